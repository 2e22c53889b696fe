# SPDX-License-Identifier: Apache-2.0
"""ResNet as torchvision builds and names it: its weights and the order of its layers."""

import json
import math
import struct

import numpy as np

from failure import Failure

EPSILON = 1e-5
# Whether blocks have three convolutions, how many blocks, and the width of the first stage's and the
# groups of their 3×3 convolution.
STAGES = {
    "resnet18": (False, (2, 2, 2, 2), 64, 1),
    "resnet34": (False, (3, 4, 6, 3), 64, 1),
    "resnet50": (True, (3, 4, 6, 3), 64, 1),
    "resnext50_32x4d": (True, (3, 4, 6, 3), 128, 32),
    "wide_resnet50_2": (True, (3, 4, 6, 3), 128, 1),
}
DTYPES = {"F16": "<f2", "F32": "<f4"}


def read_safetensors(path):
    """The tensors of a safetensors file as float32 arrays."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length])
        tensors = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            array = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]])
            tensors[name] = array.reshape(entry["shape"]).astype(np.float32)
        return tensors
    except (struct.error, ValueError, KeyError) as error:
        raise Failure(f"{path} is not a safetensors file with F16 and F32 tensors: {error!r}")


def write_safetensors(path, tensors):
    """Writes the tensors as float32."""
    header, offset = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            file.write(array.astype("<f4").tobytes())


def folded(weights, name, norm):
    """A convolution's weight and bias in float64, with its batch norm folded in."""
    weight = weights[f"{name}.weight"].astype(np.float64)
    scale, shift, mean, variance = (
        weights[f"{norm}.{t}"].astype(np.float64)
        for t in ("weight", "bias", "running_mean", "running_var"))
    factor = scale / np.sqrt(variance + EPSILON)
    return weight * factor[:, None, None, None], shift - mean * factor


def random_weights(architecture, outputs=1000):
    """He-initialized weights: good for latency and nothing else."""
    generator = np.random.default_rng(0)

    def he(*shape):
        deviation = math.sqrt(2 / math.prod(shape[1:]))
        return (generator.standard_normal(shape) * deviation).astype(np.float32)

    weights = {}

    class Shapes:
        """Walks the layers only to learn their shapes; a value is its number of channels."""

        def convolution(self, channels, name, norm, size, stride, relu, out, groups):
            weights[f"{name}.weight"] = he(out, channels // groups, size, size)
            # A block's sum would else double with each block, and fp16 overflow.
            scale = 1 if relu or "downsample" in name else 0.25
            for tensor, value in (("weight", scale), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
                weights[f"{norm}.{tensor}"] = np.full(out, value, np.float32)
            return out

        def max_pool(self, channels):
            return channels

        def add_relu(self, channels, _):
            return channels

        def head(self, channels):
            weights["fc.weight"] = he(outputs, channels)
            weights["fc.bias"] = np.zeros(outputs, np.float32)

    walk(architecture, Shapes(), 3)
    return weights


def walk(architecture, emit, image):
    """Calls emit's methods in the order of the layers; values are what those methods return."""
    bottleneck, depths, base, groups = STAGES[architecture]
    x = emit.convolution(image, "conv1", "bn1", 7, 2, True, 64, 1)
    x = emit.max_pool(x)
    channels = 64
    for stage, depth in enumerate(depths):
        width = base << stage
        out = 256 << stage if bottleneck else width
        for block in range(depth):
            name = f"layer{stage + 1}.{block}"
            stride = 2 if stage > 0 and block == 0 else 1
            # torchvision strides in the 3×3 convolution (ResNet "v1.5").
            layers = [(1, 1, width, 1), (3, stride, width, groups), (1, 1, out, 1)] if bottleneck else [
                (3, stride, width, 1), (3, 1, out, 1)]
            y = x
            for index, (size, step, count, parts) in enumerate(layers, 1):
                relu = index < len(layers)
                y = emit.convolution(
                    y, f"{name}.conv{index}", f"{name}.bn{index}", size, step, relu, count, parts)
            if stride != 1 or channels != out:
                x = emit.convolution(
                    x, f"{name}.downsample.0", f"{name}.downsample.1", 1, stride, False, out, 1)
            x = emit.add_relu(y, x)
            channels = out
    return emit.head(x)
