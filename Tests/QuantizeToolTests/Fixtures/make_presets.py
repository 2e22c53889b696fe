# SPDX-License-Identifier: Apache-2.0
"""Writes two photos that are not square, parts of shipped ones, and `presets.txt`: the logits of the shipped model
for these photos as Pillow prepares them by each preset.

For developers who add a preset; the tests need no Python. Needs onnx, onnxruntime, NumPy and Pillow. Run it here.
ONNX Runtime computes the network in float32. A line is `preset photo logits…`; `folded` is the network whose first
convolution takes images prepared as `half` says.
"""

import json
import os
import struct

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

MODELS = "../../../Models"
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
CAFFE = (103.939 / 255, 116.779 / 255, 123.68 / 255), (1 / 255,) * 3
# Mean and std in the network's order, whether that is BGR, filter, resize (None: squash), offsets rounded down.
PRESETS = {
    "torchvision": (IMAGENET, False, Image.BILINEAR, 256, False),
    "torchvision-v2": (IMAGENET, False, Image.BILINEAR, 232, False),
    "timm": (IMAGENET, False, Image.BICUBIC, 235, False),
    "huggingface": (IMAGENET, False, Image.BICUBIC, 256, True),
    "clip": (CLIP, False, Image.BICUBIC, 224, False),
    "caffe": (CAFFE, True, Image.BILINEAR, 256, False),
    "keras": (CAFFE, True, Image.NEAREST, None, False),
    "half": (((0.5,) * 3, (0.5,) * 3), False, Image.BILINEAR, 256, False),
    "unit": (((0,) * 3, (1,) * 3), False, Image.BILINEAR, 256, False),
    "bytes": (((0,) * 3, (1 / 255,) * 3), False, Image.BILINEAR, 256, False),
}
# Parts of photos of 224 × 224: left, top, right, bottom.
PHOTOS = {"church": (7, 60, 218, 209), "tench": (50, 11, 190, 214)}


def weights():
    with open(os.path.join(MODELS, "resnet18-imagenette.safetensors"), "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    header.pop("__metadata__", None)
    kinds = {"F16": np.float16, "F32": np.float32}
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], kinds[entry["dtype"]])
        .reshape(entry["shape"])
        .astype(np.float32)
        for name, entry in header.items()
    }


def session(tensors):
    nodes = []

    def node(kind, *inputs, **attributes):
        nodes.append(helper.make_node(kind, inputs, [f"v{len(nodes)}"], **attributes))
        return nodes[-1].output[0]

    def convolve(x, convolution, norm, stride):
        size = tensors[convolution + ".weight"].shape[2]
        names = [convolution + part for part in (".weight", ".bias") if convolution + part in tensors]
        x = node("Conv", x, *names, strides=[stride] * 2, pads=[size // 2] * 4)
        parts = ("weight", "bias", "running_mean", "running_var")
        return node("BatchNormalization", x, *(f"{norm}.{part}" for part in parts), epsilon=1e-5)

    x = node("Relu", convolve("image", "conv1", "bn1", 2))
    x = node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for layer in range(1, 5):
        for block in range(2):
            name = f"layer{layer}.{block}"
            stride = 2 if layer > 1 and block == 0 else 1
            y = node("Relu", convolve(x, name + ".conv1", name + ".bn1", stride))
            y = convolve(y, name + ".conv2", name + ".bn2", 1)
            if name + ".downsample.0.weight" in tensors:
                x = convolve(x, name + ".downsample.0", name + ".downsample.1", stride)
            x = node("Relu", node("Add", x, y))
    x = node("Flatten", node("GlobalAveragePool", x))
    x = node("Gemm", x, "fc.weight", "fc.bias", transB=1)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "resnet18",
        [value("image", TensorProto.FLOAT, [1, 3, 224, 224])],
        [value(x, TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString())


def prepared(image, preset):
    (mean, std), is_bgr, kind, size, rounds_down = preset
    width, height = image.size
    if size is None:
        width, height = 224, 224
    elif width <= height:
        width, height = size, int(size * height / width)
    else:
        width, height = int(size * width / height), size
    image = image.resize((width, height), kind)
    x, y = (width - 224) / 2, (height - 224) / 2
    x, y = (int(x), int(y)) if rounds_down else (round(x), round(y))
    pixels = np.asarray(image.crop((x, y, x + 224, y + 224)), np.float64)
    pixels = pixels[..., ::-1] if is_bgr else pixels
    return ((pixels / 255 - mean) / std).transpose(2, 0, 1)[None].astype(np.float32)


def folded(tensors):
    mean, std = (np.array(values, np.float32)[:, None, None] for values in IMAGENET)
    weights = tensors["conv1.weight"]
    bias = (weights * ((0.5 - mean) / std)).sum((1, 2, 3))
    return {**tensors, "conv1.weight": weights * (0.5 / std), "conv1.bias": bias}


for photo, part in PHOTOS.items():
    image = Image.open(os.path.join(MODELS, "examples", photo + ".jpg")).convert("RGB")
    image.crop(part).save(photo + ".jpg", quality=90)

with open("presets.txt", "w") as file:

    def write(name, network, preset):
        for photo in PHOTOS:
            image = Image.open(photo + ".jpg").convert("RGB")
            (logits,) = network.run(None, {"image": prepared(image, preset)})
            numbers = " ".join(f"{value:.7g}" for value in logits[0])
            file.write(f"{name} {photo} {numbers}\n")

    network = session(weights())
    for name, preset in PRESETS.items():
        write(name, network, preset)
    write("folded", session(folded(weights())), PRESETS["half"])
