# SPDX-License-Identifier: Apache-2.0
"""ncnn, in float32: its Python package has neither a converter nor the tools to quantize.

The .param and .bin are written here; batch norm is folded into the convolutions and ReLU fused, as
ncnn's own converters do.
"""

import ncnn
import numpy as np

import resnet


def make(work, architecture, _):
    emit = _Emitter(resnet.read_safetensors(work / "weights.safetensors"))
    emit.layer("Input", [], ["image"])
    resnet.walk(architecture, emit, "image")
    blobs = sum(outputs for outputs, _ in emit.layers)
    lines = ["7767517", f"{len(emit.layers)} {blobs}", *(line for _, line in emit.layers)]
    (work / "ncnn.param").write_text("\n".join(lines) + "\n")
    (work / "ncnn.bin").write_bytes(b"".join(emit.binary))


def load(model, threads, _):
    net = ncnn.Net()
    net.opt.num_threads = threads
    if net.load_param(model.replace(".bin", ".param")) != 0 or net.load_model(model) != 0:
        raise RuntimeError(f"ncnn cannot load {model}")

    def infer(image):
        extractor = net.create_extractor()
        extractor.input("image", ncnn.Mat(image[0]))
        return np.array(extractor.extract("logits")[1])

    return infer


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

    def convolution(self, x, name, norm, size, stride, relu, out, groups):
        weight, bias = resnet.folded(self.weights, name, norm)
        self.store(weight, bias)
        return self.add(
            "Convolution" if groups == 1 else "ConvolutionDepthWise", [self.read(x)],
            f"0={out} 1={size} 3={stride} 4={size // 2} 5=1 6={weight.size} 7={groups} 9={int(relu)}")

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
