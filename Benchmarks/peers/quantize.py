# SPDX-License-Identifier: Apache-2.0
"""Static quantization for the peers, with the calibration photos that ours gets."""

import logging

from onnxruntime.quantization import (
    CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static)
from onnxruntime.quantization.shape_inference import quant_pre_process

import preprocess


class _Photos(CalibrationDataReader):
    def __init__(self, paths):
        self.paths = iter(paths)

    def get_next(self):
        path = next(self.paths, None)
        return None if path is None else {"image": preprocess.load(path)}


def quantize(source, target, scratch, calibration):
    """Makes the ONNX file target of source: QDQ nodes, weights per channel, ranges by min-max."""
    # It advises to do the pre-processing that the next line does.
    logging.getLogger().setLevel(logging.ERROR)
    # Folds the batch norms, which would otherwise be quantized as layers of their own.
    quant_pre_process(source, scratch)
    quantize_static(
        scratch, target, _Photos(calibration),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )
