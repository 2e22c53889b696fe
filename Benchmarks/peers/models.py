# SPDX-License-Identifier: Apache-2.0
"""Makes one network's model files for everyone."""

import subprocess
from pathlib import Path

import make_ncnn
import make_onnx
import preprocess
import quantize
import resnet
from failure import Failure

CHECKPOINT = "resnet18-imagenette.safetensors"


def make(root, work, architecture, progress):
    """The models by runtime and precision: {("ours", "int8"): path, …}."""
    work.mkdir(parents=True, exist_ok=True)
    calibration = preprocess.photos(root / "Models/calibration")
    if not calibration:
        raise Failure("expected photos in Models/calibration")
    name = architecture or "resnet18"
    if architecture:
        weights = resnet.random_weights(architecture)
    else:
        weights = resnet.read_safetensors(root / "Models" / CHECKPOINT)

    progress("writing ONNX and ncnn models")
    onnx, quantized, ncnn = work / "float32.onnx", work / "int8.onnx", work / "ncnn"
    make_onnx.write(onnx, name, weights)
    make_ncnn.write(ncnn, name, weights)
    progress(f"quantizing the ONNX model with {len(calibration)} photos")
    quantize.quantize(onnx, quantized, work / "folded.onnx", calibration)

    models = {
        ("openvino", "int8"): quantized,
        ("onnxruntime", "int8"): quantized,
        ("openvino", "bf16"): onnx,
        ("openvino", "float32"): onnx,
        ("onnxruntime", "float32"): onnx,
        ("ncnn", "float32"): ncnn,
    }
    for precision, option in (("int8", "int8"), ("fp16", "fp16"), ("float32", "fp32")):
        progress(f"making our {precision} plan")
        plan = work / f"{precision}.plan"
        _plan(root, plan, architecture, option)
        models["ours", precision] = plan
    return models


def size(path):
    """Bytes of a model; ncnn's is two files."""
    files = [path] if path.exists() else [Path(f"{path}.param"), Path(f"{path}.bin")]
    return sum(file.stat().st_size for file in files)


def _plan(root, plan, architecture, precision):
    command = [root / ".build/release/resnet-quantize", "--quiet", "--precision", precision, "-o", plan]
    models = root / "Models"
    if architecture:
        command += ["--random", architecture, "--outputs", "1000"]
    else:
        command += [models / CHECKPOINT, "--classes", models / "classes.txt"]
        if precision == "int8":
            command += ["--calibration", models / "calibration"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise Failure(f"resnet-quantize failed: {reason}")
