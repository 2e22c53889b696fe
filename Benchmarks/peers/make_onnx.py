# SPDX-License-Identifier: Apache-2.0
"""Writes a ResNet as ONNX, with the batch norms as nodes, as an export for inference has them."""

import onnx
from onnx import TensorProto, helper, numpy_helper

import resnet


def write(path, architecture, weights, size=224):
    emit = _Emitter(weights)
    resnet.walk(architecture, emit, "image")
    outputs = len(weights["fc.bias"])
    graph = helper.make_graph(
        emit.nodes,
        architecture,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, size, size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, outputs])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    # An opset and format version that all the peers read.
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="peers")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


class _Emitter:
    def __init__(self, weights):
        self.weights = weights
        self.nodes = []

    def node(self, kind, inputs, output=None, **attributes):
        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def convolution(self, x, name, norm, size, stride, relu, _, groups):
        x = self.node(
            "Conv", [x, f"{name}.weight"],
            kernel_shape=[size] * 2, strides=[stride] * 2, pads=[size // 2] * 4,
            group=groups)
        tensors = [f"{norm}.{t}" for t in ("weight", "bias", "running_mean", "running_var")]
        x = self.node("BatchNormalization", [x, *tensors], epsilon=resnet.EPSILON)
        return self.node("Relu", [x]) if relu else x

    def max_pool(self, x):
        return self.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])

    def add_relu(self, x, shortcut):
        return self.node("Relu", [self.node("Add", [x, shortcut])])

    def head(self, x):
        x = self.node("Flatten", [self.node("GlobalAveragePool", [x])])
        self.node("Gemm", [x, "fc.weight", "fc.bias"], "logits", transB=1)
