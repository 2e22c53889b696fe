# SPDX-License-Identifier: Apache-2.0
"""Serves a plan by the Open Inference Protocol v2, REST and gRPC, as a model of KServe.

    python -m resnet_runtime.kserve --plan resnet18.plan --model_name resnet18

`Classifier` is the model; `python -m resnet_runtime.kserve --help` tells the limits that the server keeps.
"""

from ._model import Classifier

__all__ = ["Classifier"]
