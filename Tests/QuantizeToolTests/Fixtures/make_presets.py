# SPDX-License-Identifier: Apache-2.0
"""Writes two photos that are not square, parts of shipped ones, and `presets.txt`: the logits of the shipped model
for these photos as Pillow prepares them by each preset.

For developers who add a preset; the tests need no Python. Needs PyTorch, NumPy and Pillow. Run it here. PyTorch
computes the network in float32. A line is `preset photo logits…`; `folded` is the network whose first convolution
takes images prepared as `half` says, `grey` the one with the sum of the first convolution's channels.
"""

import json
import os
import struct

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

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
# What is assumed of networks of one channel.
GREY = ((0.449,), (0.226,)), False, Image.BILINEAR, 256, False
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
        name: torch.from_numpy(
            np.frombuffer(data[slice(*entry["data_offsets"])], kinds[entry["dtype"]])
            .reshape(entry["shape"])
            .astype(np.float32)
        )
        for name, entry in header.items()
    }


def logits(tensors, x):
    def convolve(x, convolution, norm, stride):
        kernel = tensors[convolution + ".weight"]
        bias = tensors.get(convolution + ".bias")
        x = functional.conv2d(x, kernel, bias, stride, kernel.shape[2] // 2)
        parts = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(x, *(tensors[f"{norm}.{part}"] for part in parts))

    x = functional.max_pool2d(convolve(x, "conv1", "bn1", 2).relu(), 3, 2, 1)
    for layer in range(1, 5):
        for block in range(2):
            name = f"layer{layer}.{block}"
            stride = 2 if layer > 1 and block == 0 else 1
            y = convolve(x, name + ".conv1", name + ".bn1", stride).relu()
            y = convolve(y, name + ".conv2", name + ".bn2", 1)
            if name + ".downsample.0.weight" in tensors:
                x = convolve(x, name + ".downsample.0", name + ".downsample.1", stride)
            x = (x + y).relu()
    return functional.linear(x.mean((2, 3)), tensors["fc.weight"], tensors["fc.bias"])[0].tolist()


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
    pixels = np.asarray(image.crop((x, y, x + 224, y + 224)), np.float64).reshape(224, 224, -1)
    pixels = pixels[..., ::-1] if is_bgr else pixels
    values = ((pixels / 255 - mean) / std).transpose(2, 0, 1)[None]
    return torch.from_numpy(values.astype(np.float32))


def folded(tensors):
    mean, std = (torch.tensor(values)[:, None, None] for values in IMAGENET)
    weights = tensors["conv1.weight"]
    bias = (weights * ((0.5 - mean) / std)).sum((1, 2, 3))
    return {**tensors, "conv1.weight": weights * (0.5 / std), "conv1.bias": bias}


def grey(tensors):
    return {**tensors, "conv1.weight": tensors["conv1.weight"].sum(1, keepdim=True)}


for photo, part in PHOTOS.items():
    image = Image.open(os.path.join(MODELS, "examples", photo + ".jpg")).convert("RGB")
    image.crop(part).save(photo + ".jpg", quality=90)

with open("presets.txt", "w") as file:

    def write(name, tensors, preset):
        for photo in PHOTOS:
            image = Image.open(photo + ".jpg").convert("L" if name == "grey" else "RGB")
            numbers = " ".join(f"{value:.8g}" for value in logits(tensors, prepared(image, preset)))
            file.write(f"{name} {photo} {numbers}\n")

    tensors = weights()
    for name, preset in PRESETS.items():
        write(name, tensors, preset)
    write("folded", folded(tensors), PRESETS["half"])
    write("grey", grey(tensors), GREY)
