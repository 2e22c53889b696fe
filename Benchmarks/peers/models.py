# SPDX-License-Identifier: Apache-2.0
"""Makes one network's model files for everyone."""

import shutil
import subprocess
from pathlib import Path

import numpy as np

import make_onnx
import preprocess
import resnet
from failure import Failure, last_line
from runtimes import RUNTIMES

HERE = Path(__file__).parent
CHECKPOINT = "resnet18-imagenette.safetensors"
OPTIONS = {"int8": "int8", "fp16": "fp16", "float32": "fp32"}


def make(root, work, architecture, runtimes, progress):
    """The models by runtime and precision, {("ours", "int8"): path, …}, and why others are not there,
    {"openvino": reason, …}."""
    calibration = preprocess.photos(root / "Models/calibration")
    if not calibration:
        raise Failure("expected photos in Models/calibration")
    progress(f"writing the network and {len(calibration)} photos to calibrate with")
    name, checkpoint = architecture or "resnet18", work / "weights.safetensors"
    if architecture:
        resnet.write_safetensors(checkpoint, resnet.random_weights(architecture))
    else:
        shutil.copy(root / "Models" / CHECKPOINT, checkpoint)
    make_onnx.write(work / "float32.onnx", name, resnet.read_safetensors(checkpoint))
    np.save(work / "calibration.npy", np.stack([preprocess.load(path) for path in calibration]))

    models, missing = {}, {}
    for precision, option in OPTIONS.items():
        progress(f"making our {precision} plan")
        plan = models["ours", precision] = work / f"{precision}.plan"
        command = [root / ".build/release/resnet-quantize", "--quiet", "--precision", option, "-o", plan,
                   checkpoint]
        if option == "int8":
            command += ["--calibration", root / "Models/calibration"]
        if not architecture:
            command += ["--classes", root / "Models/classes.txt"]
        _run(command)
    models["untuned", "int8"] = models["ours", "int8"]
    for runtime in runtimes:
        peer = RUNTIMES[runtime]
        progress(f"making the models of {peer.name}")
        try:
            _run([python(runtime), HERE / "make.py", runtime, work, name])
            for precision, file in peer.models.items():
                if not (work / file).exists():
                    raise Failure(f"{file} was not made")
                models[runtime, precision] = work / file
        except Failure as failure:
            progress(f"{peer.name} is left out: {failure}")
            missing[runtime] = str(failure)
            models = {key: path for key, path in models.items() if key[0] != runtime}
    return models, missing


def python(runtime):
    """The interpreter of a peer's environment."""
    environment = HERE / ".venv" / RUNTIMES[runtime].environment
    if not (environment / "requirements.txt").exists():
        log = Path(f"{environment}.log")
        raise Failure(f"not installed: {last_line(log.read_text() if log.exists() else '')}")
    return environment / "bin/python"


def size(path):
    """Bytes of a model with the files beside it that are part of it: ncnn's and OpenVINO's have two."""
    parts = {path, path.with_suffix(".bin")} if path.suffix == ".xml" else {path}
    return sum(file.stat().st_size for file in parts)


def _run(command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise Failure(f"{Path(command[0]).name} {Path(command[1]).name} failed with status "
                      f"{result.returncode}: {last_line(result.stderr)}")
