# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import logging
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ._errors import ArgumentError, QuantizeError
from ._plan import Plan

AnyPath = str | os.PathLike[str]
_log = logging.getLogger("resnet_runtime")


def quantize(
    checkpoint: AnyPath | Mapping[str, Any] | Any, calibration: AnyPath | None, output: AnyPath, *,
    classes: AnyPath | Sequence[str] | None = None, progress: Callable[[str], object] | None = None,
    **options: object) -> Plan:
    """Makes a plan of a checkpoint with resnet-quantize.

    checkpoint: a file as resnet-quantize takes it (PyTorch state dict, safetensors, ONNX), a torch.nn.Module, or a
        state dict, of arrays or tensors.
    calibration: a folder of photos like those that the network will see; None for precision="fp16" or "fp32".
    output: the plan to write.
    classes: the names of the classes, or a file with one a line.
    progress: is called with each line that the tool tells. Without it, what the tool took for granted is logged as
        warnings.
    options: those of `resnet-quantize --help`: max_drop=0.3 is --max-drop 0.3, True is a flag, False its --no-…,
        a list repeats it, and `for_` is --for.

    Raises QuantizeError with the words of the tool. The wheel for ARM has no resnet-quantize: make plans on a
    workstation.
    """
    tool = _tool()
    with tempfile.TemporaryDirectory(prefix="resnet-runtime-") as folder:
        if not isinstance(checkpoint, (str, os.PathLike)):
            state = checkpoint.state_dict() if hasattr(checkpoint, "state_dict") else checkpoint
            checkpoint = Path(folder, "model.safetensors")
            _write_safetensors(state, checkpoint)
        if classes is not None and not isinstance(classes, (str, os.PathLike)):
            names, classes = classes, Path(folder, "classes.txt")
            if broken := [name for name in names if len(name.splitlines()) != 1]:
                raise ArgumentError(f"expected names of classes of one line, found {broken[0]!r}")
            classes.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        options = {"calibration": calibration, "classes": classes, "quiet": progress is None or None, **options}
        command = [tool, "quantize", *_words(options), "--output", os.fspath(output), "--", os.fspath(checkpoint)]
        _run(command, progress or _warn)
    return Plan(output)


def _tool() -> str:
    bundled = Path(__file__).parent / "bin" / "resnet-quantize"
    found = str(bundled) if bundled.exists() else shutil.which("resnet-quantize")
    if found is None:
        raise QuantizeError(
            "resnet-quantize is not part of this installation, as in the wheels for ARM: make the plan on an x86-64 "
            "machine, it is the same for all")
    return found


def _words(options: Mapping[str, object]) -> list[str]:
    """The options as resnet-quantize has them."""
    words: list[str] = []
    for key, value in options.items():
        name = key.rstrip("_").replace("_", "-")
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if item is True:
                words.append(f"--{name}")
            elif item is False:
                words.append(f"--no-{name}")
            elif item is not None:
                words.append(f"--{name}={os.fspath(item) if isinstance(item, os.PathLike) else item}")
    return words


def _run(command: list[str], progress: Callable[[str], object]) -> None:
    last = ""
    with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            encoding="utf-8", errors="replace") as process:
        try:
            assert process.stdout
            for line in process.stdout:
                # A line late: the last one of a failure is the error's.
                if last:
                    progress(last)
                last = line.rstrip("\n")
            status = process.wait()
        except BaseException:
            process.kill()
            raise
    words = last.removeprefix("resnet-quantize: ")
    if status:
        raise QuantizeError(words or f"expected resnet-quantize to end well, found its status {status}")
    if last:
        progress(last)


def _warn(line: str) -> None:
    _log.warning("%s", line.removeprefix("resnet-quantize: "))


def _write_safetensors(state: Mapping[str, Any], path: Path) -> None:
    """Writes tensors as the safetensors format has them: floating-point numbers as float32."""
    arrays = {}
    for name, value in state.items():
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            # NumPy has no bfloat16.
            value = value.float() if value.is_floating_point() else value
        array = np.asarray(value)
        if array.dtype.kind == "f":
            array = array.astype("<f4")
        elif array.dtype.kind in "iu":
            array = array.astype("<i8")
        else:
            raise ArgumentError(f"expected numbers in the state dict, found {array.dtype} in {name}")
        arrays[name] = array
    header: dict[str, Any] = {}
    offset = 0
    for name, array in arrays.items():
        kind = "F32" if array.dtype.kind == "f" else "I64"
        header[name] = {
            "dtype": kind, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(encoded)) + encoded)
        for array in arrays.values():
            file.write(array.tobytes())
