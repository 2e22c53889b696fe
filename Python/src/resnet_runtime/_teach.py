# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from ctypes import byref, sizeof
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ._errors import ArgumentError, FileError, TeachError
from ._library import Teaching, TeachingResult, check, library, text
from ._plan import Plan
from ._quantize import AnyPath


@dataclass(frozen=True)
class Taught:
    """A plan that was taught, and what was found."""

    plan: Plan
    # What `resnet-teach --json` prints: top1, interval, classes with their confusions, verdicts on each photo …
    # `teach_features` has most of it.
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


def teach_features(
    plan: Plan | AnyPath, features: npt.ArrayLike, labels: Sequence[str], output: AnyPath, *,
    reject: float = 0) -> Taught:
    """Teaches a plan your own classes with features that the program has, such as those of camera frames.

    plan: a plan with the output "features", or its path; int8, fp16 or fp32.
    features: float32, photos × features: a row for each photo, as `Session.run(image, "features")` gives it. Photos
        that are nearly the same, such as frames of one second, follow each other: they are left out together when
        the accuracy is measured, unless there are at most 100 photos and fewer than 10 of some class. Then each is
        left out alone, and near copies make the accuracy too good.
    labels: the name of each photo's class; at least 2 classes with at least 2 photos each.
    output: the plan to write, which appears whole or not at all.
    reject: above 0, the plan learns to tell strangers, so that `Session.unknown` is true of them, and may take this
        share of these photos, up to 0.5, for some.

    The classes have the order of their names. With the photos of a folder, in the order of their names, the plan has
    the classifier that `teach` gives it, bit for bit. The report has those keys of `teach` that need no photos;
    `verdicts` has a row's class and the `best` one of a classifier that was taught without it, and `unknown` the shares
    of these photos and of strangers, `false_rejects` and `caught`, that the plan takes for strangers.

    Raises ArgumentError if features or labels cannot be learned, FileError if the plan cannot be read or written.
    """
    opened = plan if isinstance(plan, Plan) else Plan(plan)
    if not opened.feature_count:
        raise ArgumentError("expected a plan with the output features, found one without")
    rows = np.asarray(features, np.float32)
    if rows.shape != (len(labels), opened.feature_count):
        raise ArgumentError(
            f"expected features of shape {(len(labels), opened.feature_count)}: a row for each label, found {rows.shape}")
    for label in labels:
        if not isinstance(label, str):
            raise ArgumentError(f"expected names of classes as str, found {label!r}")
    names = sorted(set(labels))
    places = {name: place for place, name in enumerate(names)}
    classes = np.array([places[label] for label in labels], np.uint32)
    # Class by class, as resnet-teach goes through its folders.
    order = np.argsort(classes, kind="stable")
    rows, classes = np.ascontiguousarray(rows[order]), classes[order]
    named = np.empty_like(classes)
    teaching = Teaching(
        size=sizeof(Teaching), features=rows.ctypes.data, labels=classes.ctypes.data, photo_count=len(classes),
        class_names=(ctypes.c_char_p * len(names))(
            *(text(name.encode(errors="surrogatepass"), "names") for name in names)), class_count=len(names),
        reject=reject, named=named.ctypes.data)
    found = TeachingResult(size=sizeof(TeachingResult))
    path = os.fspath(output)
    try:
        check(library.resnet_plan_teach(opened._open().pointer, byref(teaching), text(path, "a path"), byref(found)))
    except FileError as error:
        raise FileError(f"{path}: {error}") from None
    confusions = np.zeros((len(names), len(names)), int)
    np.add.at(confusions, (classes, named), 1)
    best = np.empty_like(named)
    best[order] = named
    report: dict[str, Any] = {
        "photos": len(classes), "top1": found.right / len(classes), "right": found.right,
        "interval": [found.top1_low, found.top1_high], "folds": found.folds, "loss": found.loss,
        "strength": found.strength, "temperature": found.temperature}
    if reject:
        report["unknown"] = {"false_rejects": found.false_rejects, "caught": found.caught}
    report["classes"] = [
        {"name": name, "photos": int(row.sum()), "named": row.tolist()} for name, row in zip(names, confusions)]
    report["verdicts"] = [{"class": places[label], "best": int(best[row])} for row, label in enumerate(labels)]
    return Taught(Plan(output), report)


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
