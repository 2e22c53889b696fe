#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compares resnet-run with its peers; "run.sh --help" tells more. Sets up .venv here when needed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/.venv"

fail() {
  echo "peers: error: $1" >&2
  exit 1
}

if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
  echo "peers: setting up $venv" >&2
  rm -rf "$venv"
  python3 -m venv "$venv" >&2 || fail "python3 -m venv failed (on Debian: apt-get install python3-venv)"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    -r "$here/requirements.txt" >&2 || fail "pip could not install requirements.txt"
  # Copied last: its presence says that the installation is complete.
  cp "$here/requirements.txt" "$venv/requirements.txt"
fi

exec "$venv/bin/python" "$here/run.py" "$@"
