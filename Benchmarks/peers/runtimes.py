# SPDX-License-Identifier: Apache-2.0
"""The peers: each function loads a model and returns one that infers. A precision that is not the
model's own is what it is computed in.

They import when called for, so that a process holds one runtime and no other.
"""


def openvino(threads, precision):
    import openvino

    def load(model):
        compiled = openvino.Core().compile_model(model, "CPU", {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            # Otherwise "float32" is bf16 where the CPU has it.
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        })
        request = compiled.create_infer_request()
        return lambda image: request.infer({0: image}, share_inputs=True, share_outputs=True)[0][0]

    return load


def onnxruntime(threads, _):
    import onnxruntime

    def load(model):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
        return lambda image: session.run(None, {"image": image})[0][0]

    return load


def ncnn(threads, _):
    import ncnn
    import numpy

    def load(model):
        net = ncnn.Net()
        net.opt.num_threads = threads
        if net.load_param(f"{model}.param") != 0 or net.load_model(f"{model}.bin") != 0:
            raise RuntimeError(f"ncnn cannot load {model}")

        def infer(image):
            extractor = net.create_extractor()
            extractor.input("image", ncnn.Mat(image[0]))
            return numpy.array(extractor.extract("logits")[1])

        return infer

    return load


RUNTIMES = {"openvino": openvino, "onnxruntime": onnxruntime, "ncnn": ncnn}
