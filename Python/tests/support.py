# SPDX-License-Identifier: Apache-2.0
"""What the tests share: the shipped model as a plan, the example photos, and what resnet-run says."""

import atexit
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import resnet_runtime

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "Models"
PHOTOS = sorted((MODELS / "examples").glob("*.jpg"))
CHURCH = MODELS / "examples" / "church.jpg"
SIDE = (224, 224, 3)


@functools.cache
def scratch():
    folder = Path(tempfile.mkdtemp(prefix="resnet-runtime-test-"))
    atexit.register(shutil.rmtree, folder)
    return folder


@functools.cache
def plan_path():
    path = scratch() / "resnet18.plan"
    resnet_runtime.quantize(
        MODELS / "resnet18-imagenette.safetensors", MODELS / "calibration", path, classes=MODELS / "classes.txt",
        quiet=True, progress=lambda line: None).close()
    return path


def session(**options):
    return resnet_runtime.Session(plan_path(), **{"threads": 1, **options})


def image(seed=0):
    return np.random.default_rng(seed).integers(0, 256, SIDE, np.uint8)


def tool(name, *arguments):
    """Runs a command of the wheel, as a user does."""
    return subprocess.run([name, *map(str, arguments)], capture_output=True, text=True)


def tool_logits(*photos):
    path = scratch() / "logits.f32"
    tool("resnet-run", plan_path(), *photos, "--logits", path).check_returncode()
    return np.fromfile(path, "<f4").reshape(len(photos), -1)
