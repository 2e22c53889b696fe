# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, quantized by NNCF with its defaults."""

import openvino


def make(work, _, photos):
    import nncf

    model = openvino.Core().read_model(work / "float32.onnx")
    quantized = nncf.quantize(model, nncf.Dataset(photos), subset_size=len(photos))
    openvino.save_model(quantized, work / "openvino.xml", compress_to_fp16=False)


def load(model, threads, precision):
    compiled = openvino.Core().compile_model(model, "CPU", {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        # Otherwise "float32" is bf16 where the CPU has it.
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
    })
    request = compiled.create_infer_request()
    return lambda image: request.infer({0: image}, share_inputs=True, share_outputs=True)[0][0]
