# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._errors import TeachError
from ._plan import Plan
from ._quantize import AnyPath


@dataclass(frozen=True)
class Taught:
    """What resnet-teach made and found."""

    plan: Plan
    # What `resnet-teach --json` prints: top1, interval, classes with their confusions, verdicts on each photo …
    report: dict[str, Any]

    @property
    def top1(self) -> float:
        """The share of photos that were named right by a head that was taught without them."""
        return float(self.report["top1"])


def teach(
    plan: AnyPath, photos: AnyPath, output: AnyPath, *, progress: Callable[[str], object] | None = None,
    **options: object) -> Taught:
    """Teaches a plan your own classes with resnet-teach.

    plan: the path of a plan, int8, fp16 or fp32.
    photos: a folder with a folder of photos for each class.
    output: the plan to write.
    progress: is called with each line that the tool tells, warnings included.
    options: those of `resnet-teach --help`: flip=True is --flip, reject="2%" is --reject 2%.

    Raises TeachError with the words of the tool.
    """
    command = [
        _tool(), os.fspath(plan), "--photos", os.fspath(photos), "-o", os.fspath(output), "--json",
        *_words(options)]
    # The report may be longer than what a pipe holds while nobody reads it.
    with tempfile.TemporaryFile() as report:
        last = ""
        with subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=report, stderr=subprocess.PIPE, text=True,
                encoding="utf-8", errors="replace") as process:
            try:
                assert process.stderr
                for line in process.stderr:
                    last = line.rstrip("\n").removeprefix("resnet-teach: ")
                    if progress:
                        progress(last)
                status = process.wait()
            except BaseException:
                process.kill()
                raise
        if status:
            raise TeachError(last or f"expected resnet-teach to end well, found its status {status}")
        report.seek(0)
        return Taught(Plan(output), json.load(report))


def _words(options: Mapping[str, object]) -> list[str]:
    """The options as the tools of the board have them: the value is a word of its own, and flags have no opposite."""
    words: list[str] = []
    for key, value in options.items():
        if value is not None and value is not False:
            words.append("--" + key.replace("_", "-"))
            if value is not True:
                words.append(os.fspath(value) if isinstance(value, os.PathLike) else str(value))
    return words


def _tool() -> str:
    bundled = Path(__file__).parent / "bin" / "resnet-teach"
    found = str(bundled) if bundled.exists() else shutil.which("resnet-teach")
    if found is None:
        raise TeachError("resnet-teach is not part of this installation: install the Debian package or a wheel")
    return found
