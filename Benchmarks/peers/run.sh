#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compares resnet-run with its peers; "run.sh --help" tells more. Sets up .venv here when needed: an
# environment for each file in requirements/, so that a peer that cannot be installed stops no other.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

set_up() { # FILE ENVIRONMENT
  if ! python3 -m venv "$2"; then
    echo "python3 -m venv failed (on Debian: apt-get install python3-venv)"
    return 1
  fi
  # The lists are complete: with --no-deps nothing comes in unpinned or unasked.
  "$2/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$1" || return 1
  # But for the libraries of the builds of torch that have GPU code: torch pins them itself.
  torch=$(grep '^torch==' "$1") || return 0
  "$2/bin/pip" install --quiet --disable-pip-version-check "$torch"
}

for list in "$here"/requirements/*.txt; do
  venv="$here/.venv/$(basename "$list" .txt)"
  if ! cmp -s "$list" "$venv/requirements.txt"; then
    echo "peers: setting up $venv" >&2
    rm -rf "$venv"
    mkdir -p "$here/.venv"
    # Copied last: its presence says that the installation is complete. What failed is tried again.
    if set_up "$list" "$venv" > "$venv.log" 2>&1; then
      cp "$list" "$venv/requirements.txt"
    fi
  fi
done

base="$here/.venv/onnxruntime"
if [ ! -f "$base/requirements.txt" ]; then
  cat "$base.log" >&2
  echo "peers: error: pip could not install requirements/onnxruntime.txt" >&2
  exit 1
fi
exec "$base/bin/python" "$here/run.py" "$@"
