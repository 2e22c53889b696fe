# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime: static quantization to QDQ nodes, weights per channel, ranges by min-max."""

import onnxruntime


def make(work, _, photos):
    import logging

    from onnxruntime.quantization import (
        CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static)
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Photos(CalibrationDataReader):
        def __init__(self):
            self.left = iter(photos)

        def get_next(self):
            photo = next(self.left, None)
            return None if photo is None else {"image": photo}

    # It advises to do the pre-processing that the next line does.
    logging.getLogger().setLevel(logging.ERROR)
    # Folds the batch norms, which would otherwise be quantized as layers of their own.
    quant_pre_process(work / "float32.onnx", work / "folded.onnx")
    quantize_static(
        work / "folded.onnx", work / "int8.onnx", Photos(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )


def load(model, threads, _):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    return lambda image: session.run(None, {"image": image})[0][0]
