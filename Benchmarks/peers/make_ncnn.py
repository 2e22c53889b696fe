# SPDX-License-Identifier: Apache-2.0
"""Writes a ResNet as ncnn's .param and .bin: its Python package has no converter.

Batch norm is folded into the convolutions and ReLU fused, as ncnn's own converters do.
"""

import numpy as np

import resnet


def write(path, architecture, weights):
    """Writes path.param and path.bin."""
    emit = _Emitter(weights)
    emit.layer("Input", [], ["image"])
    resnet.walk(architecture, emit, "image")
    blobs = sum(outputs for outputs, _ in emit.layers)
    lines = ["7767517", f"{len(emit.layers)} {blobs}", *(line for _, line in emit.layers)]
    with open(f"{path}.param", "w") as file:
        file.write("\n".join(lines) + "\n")
    with open(f"{path}.bin", "wb") as file:
        file.write(b"".join(emit.binary))


class _Emitter:
    def __init__(self, weights):
        self.weights = weights
        self.layers = []
        self.binary = []
        # ncnn lets each blob be read once; what is read twice is split. See block_input.
        self.split = {}

    def layer(self, kind, inputs, outputs, parameters=""):
        name = f"{kind}_{len(self.layers)}"
        words = [kind, name, str(len(inputs)), str(len(outputs)), *inputs, *outputs, parameters]
        self.layers.append((len(outputs), " ".join(words).rstrip()))

    def add(self, kind, inputs, parameters=""):
        output = f"{kind}_{len(self.layers)}"
        self.layer(kind, inputs, [output], parameters)
        return output

    def store(self, weight, bias):
        # The four zero bytes say "float32 follows".
        self.binary += [bytes(4), weight.astype("<f4").tobytes(), bias.astype("<f4").tobytes()]

    def convolution(self, x, name, norm, size, stride, relu, out):
        weight = self.weights[f"{name}.weight"].astype(np.float64)
        scale, shift, mean, variance = (
            self.weights[f"{norm}.{t}"].astype(np.float64)
            for t in ("weight", "bias", "running_mean", "running_var"))
        factor = scale / np.sqrt(variance + resnet.EPSILON)
        self.store(weight * factor[:, None, None, None], shift - mean * factor)
        return self.add(
            "Convolution", [self.read(x)],
            f"0={out} 1={size} 3={stride} 4={size // 2} 5=1 6={weight.size} 9={int(relu)}")

    def read(self, x):
        """The next of the two names under which a block's input may be read, or x itself."""
        return self.split[x].pop() if x in self.split else x

    def block_input(self, x):
        names = [f"{x}_a", f"{x}_b"]
        self.layer("Split", [x], names)
        self.split[x] = names
        return x

    def max_pool(self, x):
        # 5=1: rounds the output size down, as torchvision does.
        return self.block_input(self.add("Pooling", [x], "0=0 1=3 2=2 3=1 5=1"))

    def add_relu(self, x, shortcut):
        total = self.add("BinaryOp", [x, self.read(shortcut)], "0=0")
        return self.block_input(self.add("ReLU", [total]))

    def head(self, x):
        weight, bias = self.weights["fc.weight"], self.weights["fc.bias"]
        self.store(weight, bias)
        # The last block's second name stays unread, which is allowed.
        x = self.add("Pooling", [self.read(x)], "0=1 4=1")
        self.layer("InnerProduct", [x], ["logits"], f"0={len(bias)} 1=1 2={weight.size}")
