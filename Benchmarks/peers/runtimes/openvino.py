# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, quantized by NNCF with its defaults."""

import time

import numpy as np
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


def load_queue(model, threads, batch):
    """A function that computes requests of `batch` images, as many at once as OpenVINO finds best, and
    returns the times in s at which they were done."""
    core = openvino.Core()
    network = core.read_model(model)
    network.reshape([batch, 3, 224, 224])
    compiled = core.compile_model(network, "CPU", {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
    })
    queue = openvino.AsyncInferQueue(compiled)
    ends = []
    queue.set_callback(lambda *_: ends.append(time.perf_counter()))

    def infer(image, count=1):
        images = np.repeat(image, batch, 0)
        ends.clear()
        for _ in range(count):
            queue.start_async({0: images}, share_inputs=True)
        queue.wait_all()
        return list(ends)

    return infer
