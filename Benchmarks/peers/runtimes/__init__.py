# SPDX-License-Identifier: Apache-2.0
"""The peers. Each has a module here, with these functions:

    make(work, architecture, photos)  writes its files of the network into the folder work, which has
                                      weights.safetensors and float32.onnx; photos to calibrate with
                                      are float32 arrays of shape 1 × 3 × 224 × 224
    load(model, threads, precision)   a function from such an array to logits
    load_queue(model, threads, batch) a function from such an array and a number of requests, each of
                                      the array so many times, to the times at which they were done:
                                      where --throughput has the peer
    prepare(image)                    if the peer wants another layout: this is not timed

A module imports what infers at its top and what only makes files in make(), so that a process that
infers holds one runtime and nothing else.
"""

from typing import NamedTuple


class Runtime(NamedTuple):
    name: str
    # The file in requirements/ that has the packages whose versions are told.
    environment: str
    packages: tuple
    # The files by the precision that they are computed in.
    models: dict


RUNTIMES = {
    "openvino": Runtime("OpenVINO", "openvino", ("openvino", "nncf"), {
        "int8": "openvino.xml", "bf16": "float32.onnx", "float32": "float32.onnx"}),
    "onnxruntime": Runtime("ONNX Runtime", "onnxruntime", ("onnxruntime",), {
        "int8": "int8.onnx", "float32": "float32.onnx"}),
    "ncnn": Runtime("ncnn", "ncnn", ("ncnn",), {"float32": "ncnn.bin"}),
    "mnn": Runtime("MNN", "mnn", ("mnn",), {"int8": "int8.mnn", "float32": "float32.mnn"}),
    "litert": Runtime("LiteRT", "litert", ("ai-edge-litert", "ai-edge-quantizer"), {
        "int8": "int8.tflite", "float32": "float32.tflite"}),
    "executorch": Runtime("ExecuTorch, XNNPACK", "torch", ("executorch",), {
        "int8": "int8.pte", "float32": "float32.pte"}),
    "pytorch": Runtime("PyTorch, Inductor", "torch", ("torch", "torchao"), {
        "int8": "int8.pt2", "float32": "float32.pt2"}),
}
