# SPDX-License-Identifier: Apache-2.0
"""Makes one peer's files: make.py RUNTIME WORK ARCHITECTURE. See runtimes/__init__.py."""

import importlib
import sys
from pathlib import Path

import numpy as np

runtime, work, architecture = sys.argv[1:]
work = Path(work)
importlib.import_module(f"runtimes.{runtime}").make(
    work, architecture, list(np.load(work / "calibration.npy")))
