# SPDX-License-Identifier: Apache-2.0
"""Runs ResNet image classifiers on Linux CPUs.

    import resnet_runtime

    with resnet_runtime.Session("resnet18.plan") as session:
        for guess in session.classify("church.jpg", top=3):
            print(guess.label, guess.probability)

A plan is a file that `quantize`, or the command resnet-quantize, makes of a checkpoint. A `Session` runs it,
and `teach` or `teach_features` gives it classes of your own.
"""

from ._errors import (
    ArgumentError, BusyError, FileError, ImageError, PlanError, QuantizeError, ResNetError, ResourceError, SessionError,
    TeachError)
from ._library import version
from ._plan import Output, Plan, Preprocessing
from ._quantize import quantize
from ._session import Guess, Session
from ._teach import Taught, teach, teach_features

__version__ = version()
__all__ = [
    "ArgumentError", "BusyError", "FileError", "Guess", "ImageError", "Output", "Plan", "PlanError", "Preprocessing",
    "QuantizeError", "ResNetError", "ResourceError", "Session", "SessionError", "TeachError", "Taught", "quantize",
    "teach", "teach_features"]
