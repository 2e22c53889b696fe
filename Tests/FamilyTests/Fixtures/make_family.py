# SPDX-License-Identifier: Apache-2.0
"""Writes what other implementations compute of networks of the ResNet family: `NAME.txt` for each member, and
`NAME.onnx` for small ones.

For developers who add a member; the tests need no Python. Needs PyTorch, torchvision, timm, onnx and onnxscript. Run
it anywhere: `python make_family.py` for all members, `python make_family.py resnext cifar-a` for these only. It fails
if a network is dead, its numbers grow out of hand, or its ONNX file gives something else. What is here was written
with PyTorch 2.13, torchvision 0.28, timm 1.0.31 and onnx 1.23.

The networks are the classes of torchvision and timm, narrowed, and where no package has the class, modules with the
names of the checkpoints that people have. `FamilyFixture.swift` reads what is written and makes the same weights and
images; neither is stored.

Weights and images: random bits are those of SplitMix64, started with FNV-1a (64 bits) of the UTF-8 of a name. `k` is
the upper 24 bits of element i's number, less 2²³, so -2²³...2²³-1. A value is one quotient of integers in float64,
rounded to float32:

    2 or more dimensions            k · isqrt(6 · 2³² / fan-in) / 2³⁹, as He; fan-in: all dimensions but the first
    `….prelu.weight`                0.25 ± 0.15: (25 · 2²³ + 15 k) / (100 · 2²³)
    `….weight`, `….running_var`     1 ± 0.5: (100 · 2²³ + 50 k) / (100 · 2²³)
    `….bias`, `….running_mean`      0 ± 0.3: 30 k / (100 · 2²³)

The bytes of image n are (3 · block + pixel) / 4. These are the uppermost 8 bits of numbers of the names
`image n blocks` and `image n pixels`: a pixel's is element (y · width + x) · 3 + channel, a block's the same of y / 8,
x / 8 and ceil(width / 8). The input of the network is (byte / 255 - mean) / std.

The text has these lines, in this order:

    member NAME
    source PACKAGE CLASS
    mean R G B
    std R G B
    tensor NAME DIMENSIONS…           for each tensor of the state dictionary, in its order, but for counters
    image NUMBER HEIGHT WIDTH         for each image, with its outputs behind it
    output NAME STRIDE MAGNITUDE DIMENSIONS…
    VALUES…

Values are computed in float64 and rounded to float32. They are elements 0, STRIDE, 2 · STRIDE… of an output in the
order [channel][row][column]; MAGNITUDE is the greatest of all its elements. `layer1` to `layer4` are what the stages
give, whatever their modules are called, before the norm behind the last stage of some networks. `features` is the input
of the linear layer, and `logits` its output. Networks for faces have `embedding`, behind their last norm.

An ONNX file has the member's weights. Its input is `image`, [1, 3, height, width] after mean and std, of the size of
the member's first image; its output is `logits` or `embedding`. PyTorch's older exporter, `torchscript`, and the newer
one, `dynamo`, fold norms into the convolutions before them; `torchscript-norms` keeps all norms. Files of the older one
have a batch of any size. `tiny-small-tf.onnx` is as tf2onnx writes Keras's networks: input [batch, height, width, 3],
norms folded, padding only at the right and at the bottom where the stride is 2, and softmax behind the logits.
"""

import argparse
import io
import math
import os
from functools import partial

import numpy as np
import onnx
import timm
import torch
import torchvision
from onnx import TensorProto, helper, numpy_helper, reference
from timm.layers import BatchNormAct2d, BlurPool2d, create_conv2d
from timm.models import resnet as timm_resnet
from timm.models import senet as timm_senet
from timm.models.resnetv2 import ResNetV2
from torch import nn
from torch.nn import functional
from torchvision.models import resnet as vision_resnet
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops.misc import FrozenBatchNorm2d

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF = (0.5,) * 3, (0.5,) * 3
STAGES = {f"layer{stage}": f"layer{stage}" for stage in (1, 2, 3, 4)}

# Weights and images.


def random_bits(name, count):
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = (state ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    mixed = np.uint64(state) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def values(name, shape):
    k = (random_bits(name, math.prod(shape)) >> np.uint64(40)).astype(np.int64) - (1 << 23)
    parts = name.split(".")
    if len(shape) >= 2:
        numbers = k * math.isqrt(6 * (1 << 32) // math.prod(shape[1:])) / (1 << 39)
    else:
        if parts[-2:] == ["prelu", "weight"]:
            centre, radius = 25, 15
        elif parts[-1] in ("weight", "running_var"):
            centre, radius = 100, 50
        else:
            assert parts[-1] in ("bias", "running_mean"), name
            centre, radius = 0, 30
        numbers = (centre * (1 << 23) + radius * k) / (100 * (1 << 23))
    return numbers.astype(np.float32).reshape(shape)


def image(number, height, width):
    def draw(kind, height, width):
        bits = random_bits(f"image {number} {kind}", height * width * 3) >> np.uint64(56)
        return bits.astype(np.int64).reshape(height, width, 3)

    blocks = draw("blocks", (height + 7) // 8, (width + 7) // 8).repeat(8, 0).repeat(8, 1)[:height, :width]
    return (3 * blocks + draw("pixels", height, width)) >> 2


def prepared(member, number, height, width):
    mean, std = member.preprocessing
    pixels = (image(number, height, width) / 255 - mean) / std
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy())


def floats(state):
    return {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}


# Classes whose widths are no arguments.


class Narrow(vision_resnet.ResNet):
    def __init__(self, block, layers, channels, **arguments):
        self.widths = dict(zip((64, 128, 256, 512), channels))
        super().__init__(block, layers, num_classes=10, **arguments)
        self.fc = nn.Linear(channels[-1] * block.expansion, 10)

    def __setattr__(self, name, value):
        if name == "inplanes" and "inplanes" not in self.__dict__:
            value = self.widths[value]
        super().__setattr__(name, value)

    def _make_layer(self, block, planes, *others, **named):
        return super()._make_layer(block, self.widths[planes], *others, **named)


class NarrowSE(timm_senet.SENet):
    def __init__(self, block, layers, channels, **arguments):
        self.widths = dict(zip((64, 128, 256, 512), channels))
        super().__init__(block, layers, num_classes=10, **arguments)
        self.last_linear = nn.Linear(channels[-1] * block.expansion, 10)

    def _make_layer(self, block, planes, *others, **named):
        return super()._make_layer(block, self.widths[planes], *others, **named)


# Networks that no package has, with the names of their checkpoints.


def convolution(inputs, outputs, kernel, stride=1, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)


def stages(block, channels, counts, strides, inputs):
    """Sequences of blocks. The first of each gets the stage's stride."""
    result = []
    for width, count, stride in zip(channels, counts, strides):
        blocks = []
        for index in range(count):
            blocks.append(block(inputs, width, stride if index == 0 else 1))
            inputs = width * block.expansion
        result.append(nn.Sequential(*blocks))
    return result


class PaddedShortcut(nn.Module):
    """Option A of the paper: every second pixel, and zeros for the new channels on both sides."""

    def __init__(self, width):
        super().__init__()
        self.count = width // 4

    def forward(self, x):
        return functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.count, self.count))


class SmallBlock(nn.Module):
    """Basic and bottleneck blocks of networks for CIFAR; the kinds below name and make the shortcut."""

    expansion = 1
    shortcut_name = "shortcut"

    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = width * self.expansion
        widths = (inputs, width, outputs) if self.expansion == 1 else (inputs, width, width, outputs)
        kernels = (3, 3) if self.expansion == 1 else (1, 3, 1)
        self.count = len(kernels)
        for index, kernel in enumerate(kernels):
            # The stride is that of the first 3 × 3.
            step = stride if index == self.count - 2 else 1
            setattr(self, f"conv{index + 1}", convolution(widths[index], widths[index + 1], kernel, step))
            setattr(self, f"bn{index + 1}", nn.BatchNorm2d(widths[index + 1]))
        if stride != 1 or inputs != outputs:
            setattr(self, self.shortcut_name, self.shortcut_module(inputs, outputs, stride))

    def shortcut_module(self, inputs, outputs, stride):
        return nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = x
        for index in range(1, self.count + 1):
            y = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(y))
            y = y.relu() if index < self.count else y
        return (y + getattr(self, self.shortcut_name, nn.Identity())(x)).relu()


class SmallBottleneck(SmallBlock):
    expansion = 4


class PaddedBlock(SmallBlock):
    def shortcut_module(self, inputs, outputs, stride):
        return PaddedShortcut(outputs)


class DownsampleBlock(SmallBlock):
    shortcut_name = "downsample"


class Small(nn.Module):
    """A 3 × 3 stem of stride 1 without a pool."""

    def __init__(self, block, channels, counts, head="linear"):
        super().__init__()
        self.conv1 = convolution(3, channels[0], 3)
        self.bn1 = nn.BatchNorm2d(channels[0])
        self.layers = len(channels)
        self.head = head
        strides = (1, 2, 2, 2)
        for index, stage in enumerate(stages(block, channels, counts, strides, channels[0])):
            setattr(self, f"layer{index + 1}", stage)
        setattr(self, head, nn.Linear(channels[-1] * block.expansion, 10))

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        for index in range(self.layers):
            x = getattr(self, f"layer{index + 1}")(x)
        return getattr(self, self.head)(x.mean((2, 3)))


class PreactivationBlock(nn.Module):
    """Norm, ReLU, convolution; the shortcut's convolution reads the first ReLU."""

    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = width * self.expansion
        widths = (inputs, width, outputs) if self.expansion == 1 else (inputs, width, width, outputs)
        kernels = (3, 3) if self.expansion == 1 else (1, 3, 1)
        self.count = len(kernels)
        for index, kernel in enumerate(kernels):
            step = stride if index == self.count - 2 else 1
            setattr(self, f"bn{index + 1}", nn.BatchNorm2d(widths[index]))
            setattr(self, f"conv{index + 1}", convolution(widths[index], widths[index + 1], kernel, step))
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(convolution(inputs, outputs, 1, stride))

    def forward(self, x):
        y = x
        for index in range(1, self.count + 1):
            y = getattr(self, f"bn{index}")(y).relu()
            if index == 1 and hasattr(self, "shortcut"):
                x = self.shortcut(y)
            y = getattr(self, f"conv{index}")(y)
        return x + y


class PreactivationBottleneck(PreactivationBlock):
    expansion = 4


class Preactivation(nn.Module):
    """kuangliu's network for CIFAR: neither the stem nor the end has a norm."""

    def __init__(self, block, channels, counts):
        super().__init__()
        self.conv1 = convolution(3, channels[0], 3)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(block, channels, counts, (1, 2, 2, 2), channels[0])
        self.linear = nn.Linear(channels[-1] * block.expansion, 10)

    def forward(self, x):
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.conv1(x)))))
        return self.linear(x.mean((2, 3)))


class FaceBlock(nn.Module):
    """insightface's block: a norm before, PReLU between, nothing behind the sum, the stride in the second 3 × 3."""

    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = convolution(inputs, width, 3)
        self.bn2 = nn.BatchNorm2d(width)
        self.prelu = nn.PReLU(width)
        self.conv2 = convolution(width, width, 3, stride)
        self.bn3 = nn.BatchNorm2d(width)
        if stride != 1 or inputs != width:
            self.downsample = nn.Sequential(convolution(inputs, width, 1, stride), nn.BatchNorm2d(width))

    def forward(self, x):
        y = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        y = self.bn3(self.conv2(y))
        return y + (self.downsample(x) if hasattr(self, "downsample") else x)


class Faces(nn.Module):
    """insightface's IResNet: a linear layer of all pixels of the last map, and a norm behind it."""

    def __init__(self, channels, counts, size, outputs):
        super().__init__()
        self.conv1 = convolution(3, channels[0], 3)
        self.bn1 = nn.BatchNorm2d(channels[0])
        self.prelu = nn.PReLU(channels[0])
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(
            FaceBlock, channels, counts, (2, 2, 2, 2), channels[0]
        )
        self.bn2 = nn.BatchNorm2d(channels[-1])
        self.fc = nn.Linear(channels[-1] * (size // 16) ** 2, outputs)
        self.features = nn.BatchNorm1d(outputs)

    def forward(self, x):
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(self.bn2(x).flatten(1)))


class SameConvolution(nn.Conv2d):
    """TensorFlow's `same`: what an even size lacks is added at the right and at the bottom."""

    def forward(self, x):
        pads = []
        for axis in (1, 0):
            size, kernel, step = x.shape[2 + axis], self.kernel_size[axis], self.stride[axis]
            total = max((math.ceil(size / step) - 1) * step + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return functional.conv2d(functional.pad(x, pads), self.weight, self.bias, self.stride)


class TinyBlock(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = SameConvolution(inputs, width, 3, stride)
        self.bn1 = nn.BatchNorm2d(width, eps=1e-3)
        self.conv2 = SameConvolution(width, width, 3)
        self.bn2 = nn.BatchNorm2d(width, eps=1e-3)
        if stride != 1:
            self.shortcut = SameConvolution(inputs, width, 1, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return ((self.shortcut(x) if hasattr(self, "shortcut") else x) + y).relu()


class Tiny(nn.Module):
    """MLPerf Tiny's ResNet-8, of Keras: biases everywhere, shortcuts without norm."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = SameConvolution(3, channels[0], 3)
        self.bn1 = nn.BatchNorm2d(channels[0], eps=1e-3)
        self.layer1, self.layer2, self.layer3 = stages(TinyBlock, channels, (1, 1, 1), (1, 2, 2), channels[0])
        self.dense = nn.Linear(channels[-1], 10)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.dense(functional.avg_pool2d(x, x.shape[2]).flatten(1))


class Backbone(nn.Module):
    """What LeRobot's ACT keeps of torchvision's network: no linear layer, and norms that are not trained."""

    def __init__(self, channels):
        super().__init__()
        network = Narrow(
            vision_resnet.BasicBlock,
            [2, 1, 1, 2],
            channels,
            norm_layer=FrozenBatchNorm2d,
            replace_stride_with_dilation=[False, False, False],
        )
        self.model = nn.Module()
        self.model.backbone = IntermediateLayerGetter(network, {"layer4": "feature_map"})

    def forward(self, x):
        return self.model.backbone(x)["feature_map"]


# The members.


class Member:
    def __init__(
        self,
        source,
        make,
        *sizes,
        head="fc",
        modules=STAGES,
        preprocessing=IMAGENET,
        result="logits",
        exporter=None,
    ):
        self.source, self.make, self.head, self.modules = source, make, head, modules
        self.sizes, self.preprocessing, self.result, self.exporter = sizes, preprocessing, result, exporter


def vision(block, layers, channels, **arguments):
    return partial(Narrow, getattr(vision_resnet, block), layers, channels, **arguments)


def rossr(block, layers, channels, **arguments):
    return partial(
        timm_resnet.ResNet, getattr(timm_resnet, block), layers, num_classes=10, channels=channels, **arguments
    )


def second(layers, channels, **arguments):
    return partial(
        ResNetV2, layers, channels, num_classes=10, conv_layer=create_conv2d, norm_layer=BatchNormAct2d, **arguments
    )


VISION = f"torchvision {torchvision.__version__.split('+')[0]} ResNet"
TIMM = f"timm {timm.__version__}"
SE = {"attn_layer": "se"}
SECOND = {"head": "head.fc", "modules": {f"layer{stage + 1}": f"stages.{stage}" for stage in range(4)}}
THREE = {f"layer{stage}": f"layer{stage}" for stage in (1, 2, 3)}
ODD, FLAT, LARGE, LARGEST = (97, 131), (32, 224), (480, 640), (1024, 2048)
SQUARE, TALL = (64, 64), (224, 32)

MEMBERS = {
    # Of torchvision.
    "resnet-basic": Member(
        VISION, vision("BasicBlock", [2, 1, 1, 2], (16, 32, 64, 128)), SQUARE, ODD, TALL, FLAT, LARGE, LARGEST
    ),
    "resnet-bottleneck": Member(VISION, vision("Bottleneck", [2, 1, 1, 1], (16, 24, 32, 40)), SQUARE, ODD, TALL),
    "wide-resnet": Member(
        VISION, vision("Bottleneck", [1, 1, 1, 1], (8, 16, 24, 32), width_per_group=128), SQUARE, ODD
    ),
    # 4, 8, 16 and 32 channels in a group.
    "resnext": Member(
        VISION, vision("Bottleneck", [2, 1, 1, 1], (16, 32, 64, 128), groups=4, width_per_group=16), SQUARE, ODD
    ),
    # 2, 4, 8 and 16.
    "resnext-narrow": Member(
        VISION, vision("Bottleneck", [1, 1, 1, 1], (16, 32, 64, 128), groups=8, width_per_group=8), SQUARE, ODD
    ),
    # 6, 12, 24 and 48.
    "resnext-uneven": Member(
        VISION, vision("Bottleneck", [1, 1, 1, 1], (16, 32, 64, 128), groups=3, width_per_group=24), SQUARE, ODD
    ),
    # 1, 2, 3 and 5.
    "resnext-depthwise": Member(
        VISION, vision("Bottleneck", [1, 1, 1, 1], (16, 32, 48, 80), groups=16, width_per_group=4), SQUARE, ODD
    ),
    "dilated": Member(
        VISION,
        vision("Bottleneck", [1, 2, 2, 2], (16, 24, 32, 40), replace_stride_with_dilation=[False, True, True]),
        SQUARE,
        ODD,
    ),
    "dilated-last": Member(
        VISION,
        vision("Bottleneck", [1, 1, 1, 2], (16, 24, 32, 40), replace_stride_with_dilation=[False, False, True]),
        SQUARE,
        ODD,
    ),
    "lerobot-act": Member(
        "torchvision IntermediateLayerGetter of ResNet with FrozenBatchNorm2d",
        partial(Backbone, (16, 32, 64, 128)),
        (96, 128),
        SQUARE,
        head=None,
        modules={f"layer{stage}": f"model.backbone.layer{stage}" for stage in (1, 2, 3, 4)},
        result=None,
    ),
    # Of timm. Its plain stem has 64 channels whatever the stages have.
    "seresnet-basic": Member(
        f"{TIMM} ResNet as seresnet18", rossr("BasicBlock", (2, 1, 1, 1), (64, 24, 40, 56), block_args=SE), SQUARE, ODD
    ),
    "seresnet-bottleneck": Member(
        f"{TIMM} ResNet as seresnet50", rossr("Bottleneck", (2, 1, 1, 1), (16, 24, 32, 40), block_args=SE), SQUARE, ODD
    ),
    "seresnet-deep": Member(
        f"{TIMM} ResNet as seresnet152d",
        rossr(
            "Bottleneck",
            (2, 1, 1, 1),
            (16, 24, 32, 40),
            stem_width=8,
            stem_type="deep",
            avg_down=True,
            block_args=SE,
        ),
        SQUARE,
        ODD,
    ),
    "seresnext": Member(
        f"{TIMM} ResNet as seresnext50_32x4d",
        rossr("Bottleneck", (1, 1, 1, 1), (16, 32, 48, 64), cardinality=4, base_width=16, block_args=SE),
        SQUARE,
        ODD,
    ),
    "resnet-deep": Member(
        f"{TIMM} ResNet as resnet50d",
        rossr("Bottleneck", (2, 1, 1, 1), (16, 24, 32, 40), stem_width=8, stem_type="deep", avg_down=True),
        SQUARE,
        ODD,
    ),
    "resnet-tiered": Member(
        f"{TIMM} ResNet as resnet10t",
        rossr("BasicBlock", (1, 1, 1, 1), (32, 24, 40, 56), stem_width=16, stem_type="deep_tiered", avg_down=True),
        SQUARE,
        ODD,
    ),
    # A convolution of stride 2 instead of the max pool, and narrower squeezes.
    "resnet-rs": Member(
        f"{TIMM} ResNet as resnetrs50",
        rossr(
            "Bottleneck",
            (1, 1, 1, 1),
            (16, 24, 32, 40),
            stem_width=8,
            stem_type="deep",
            replace_stem_pool=True,
            avg_down=True,
            block_args={"attn_layer": partial(timm.layers.get_attn("se"), rd_ratio=0.25)},
        ),
        SQUARE,
        ODD,
    ),
    # The average pools round down and the shortcuts up, so sizes must be even throughout.
    "resnet-aa": Member(
        f"{TIMM} ResNet as resnetaa50",
        rossr("Bottleneck", (2, 1, 1, 1), (16, 24, 32, 40), aa_layer=nn.AvgPool2d),
        SQUARE,
        (96, 160),
    ),
    "resnet-aa-deep": Member(
        f"{TIMM} ResNet as resnetaa34d",
        rossr(
            "BasicBlock",
            (1, 1, 2, 1),
            (32, 24, 40, 56),
            stem_width=16,
            stem_type="deep",
            avg_down=True,
            aa_layer=nn.AvgPool2d,
        ),
        SQUARE,
        (96, 160),
    ),
    "resnet-blur-basic": Member(
        f"{TIMM} ResNet as resnetblur18",
        rossr("BasicBlock", (2, 1, 1, 1), (64, 24, 40, 56), aa_layer=BlurPool2d),
        SQUARE,
        ODD,
    ),
    "resnet-blur-bottleneck": Member(
        f"{TIMM} ResNet as resnetblur50",
        rossr("Bottleneck", (1, 1, 1, 1), (16, 24, 32, 40), aa_layer=BlurPool2d),
        SQUARE,
        ODD,
    ),
    "dilated-basic": Member(
        f"{TIMM} ResNet with output_stride 8",
        rossr("BasicBlock", (1, 1, 2, 2), (64, 24, 40, 56), output_stride=8),
        SQUARE,
        ODD,
    ),
    # Shortcuts of dilated stages have pools of stride 1 that pad the right and the bottom.
    "dilated-deep": Member(
        f"{TIMM} ResNet as resnet50d with output_stride 8",
        rossr(
            "Bottleneck",
            (1, 1, 2, 2),
            (16, 24, 32, 40),
            stem_width=8,
            stem_type="deep",
            avg_down=True,
            output_stride=8,
        ),
        SQUARE,
        ODD,
    ),
    # The names of the first SE-ResNets. Their max pool has no padding and rounds up; the bottleneck's stride is in the
    # first 1 × 1, but not in ResNeXt.
    "seresnet-old-basic": Member(
        f"{TIMM} SENet as legacy_seresnet18",
        partial(NarrowSE, timm_senet.SEResNetBlock, (1, 1, 1, 1), (64, 32, 48, 80), groups=1, reduction=16),
        SQUARE,
        ODD,
        head="last_linear",
    ),
    "seresnet-old-bottleneck": Member(
        f"{TIMM} SENet as legacy_seresnet50",
        partial(NarrowSE, timm_senet.SEResNetBottleneck, (2, 1, 1, 1), (16, 24, 32, 40), groups=1, reduction=16),
        SQUARE,
        ODD,
        head="last_linear",
    ),
    "seresnext-old": Member(
        f"{TIMM} SENet as legacy_seresnext50_32x4d",
        partial(NarrowSE, timm_senet.SEResNeXtBottleneck, (1, 1, 1, 1), (16, 32, 48, 64), groups=8, reduction=16),
        SQUARE,
        ODD,
        head="last_linear",
    ),
    "resnetv2-bottleneck": Member(
        f"{TIMM} ResNetV2 as resnetv2_50",
        second((2, 1, 1, 1), (64, 96, 128, 160), stem_chs=16),
        SQUARE,
        ODD,
        **SECOND,
    ),
    "resnetv2-basic": Member(
        f"{TIMM} ResNetV2 as resnetv2_18",
        second((2, 1, 1, 1), (16, 24, 40, 56), stem_chs=16, basic=True, bottle_ratio=1.0),
        SQUARE,
        ODD,
        **SECOND,
    ),
    "resnetv2-deep": Member(
        f"{TIMM} ResNetV2 as resnetv2_50d",
        second((2, 1, 1, 1), (64, 96, 128, 160), stem_chs=16, stem_type="deep", avg_down=True),
        SQUARE,
        ODD,
        **SECOND,
    ),
    # For small images. The originals of the first four pool 4 × 4 pixels, those of the next two a square.
    "preact-basic": Member(
        "kuangliu PreActResNet18",
        partial(Preactivation, PreactivationBlock, (16, 24, 40, 56), (2, 1, 1, 1)),
        (32, 32),
        (32, 32),
        head="linear",
    ),
    "preact-bottleneck": Member(
        "kuangliu PreActResNet50",
        partial(Preactivation, PreactivationBottleneck, (16, 16, 24, 32), (2, 1, 1, 1)),
        (32, 32),
        (32, 32),
        head="linear",
    ),
    "cifar-basic": Member(
        "kuangliu ResNet18",
        partial(Small, SmallBlock, (16, 24, 40, 56), (2, 1, 1, 1)),
        (32, 32),
        (32, 32),
        head="linear",
    ),
    "cifar-bottleneck": Member(
        "kuangliu ResNet50",
        partial(Small, SmallBottleneck, (16, 16, 24, 32), (2, 1, 1, 1)),
        (32, 32),
        (32, 32),
        head="linear",
    ),
    # The widths of the paper.
    "cifar-a": Member(
        "akamaster resnet20",
        partial(Small, PaddedBlock, (16, 32, 64), (3, 3, 3)),
        (32, 32),
        (48, 48),
        head="linear",
        modules=THREE,
    ),
    "cifar-b": Member(
        "akamaster resnet20 with option B",
        partial(Small, SmallBlock, (16, 32, 64), (3, 3, 3)),
        (32, 32),
        (48, 48),
        head="linear",
        modules=THREE,
    ),
    "cifar-downsample": Member(
        "chenyaofo cifar10_resnet20",
        partial(Small, DownsampleBlock, (16, 32, 64), (3, 3, 3), "fc"),
        (32, 32),
        (64, 48),
        modules=THREE,
    ),
    "tiny": Member(
        "MLPerf Tiny ResNet-8", partial(Tiny, (16, 32, 64)), (32, 32), (48, 48), head="dense", modules=THREE
    ),
    # For faces.
    "iresnet": Member(
        "insightface IResNet",
        partial(Faces, (16, 24, 40, 56), (2, 1, 1, 2), 48, 64),
        (48, 48),
        preprocessing=HALF,
        result="embedding",
    ),
    "iresnet-112": Member(
        "insightface IResNet",
        partial(Faces, (16, 24, 32, 40), (1, 1, 1, 1), 112, 128),
        (112, 112),
        preprocessing=HALF,
        result="embedding",
    ),
    # Small ones, for ONNX.
    "resnet-small": Member(
        VISION, vision("BasicBlock", [2, 1, 1, 1], (8, 8, 16, 16)), SQUARE, ODD, exporter="torchscript-norms"
    ),
    "resnext-small": Member(
        VISION,
        vision("Bottleneck", [1, 1, 1, 1], (8, 8, 16, 16), groups=4, width_per_group=32),
        SQUARE,
        ODD,
        exporter="torchscript-norms",
    ),
    "dilated-small": Member(
        VISION,
        vision("Bottleneck", [1, 1, 2, 1], (8, 8, 12, 12), replace_stride_with_dilation=[False, True, True]),
        SQUARE,
        ODD,
        exporter="dynamo",
    ),
    "seresnet-small": Member(
        f"{TIMM} ResNet as seresnet50",
        rossr("Bottleneck", (1, 1, 1, 1), (8, 8, 12, 16), block_args=SE),
        SQUARE,
        ODD,
        exporter="dynamo",
    ),
    "seresnet-basic-small": Member(
        f"{TIMM} ResNet as seresnet18",
        rossr("BasicBlock", (1, 1, 1, 1), (8, 12, 16, 16), block_args=SE),
        SQUARE,
        ODD,
        exporter="torchscript-norms",
    ),
    "seresnext-small": Member(
        f"{TIMM} ResNet as seresnext101d_32x8d",
        rossr(
            "Bottleneck",
            (1, 1, 1, 1),
            (8, 8, 12, 16),
            cardinality=2,
            base_width=64,
            stem_width=8,
            stem_type="deep",
            avg_down=True,
            block_args=SE,
        ),
        SQUARE,
        ODD,
        exporter="dynamo",
    ),
    "seresnet-old-small": Member(
        f"{TIMM} SENet as legacy_seresnet50",
        partial(
            NarrowSE,
            timm_senet.SEResNetBottleneck,
            (1, 1, 1, 1),
            (8, 8, 12, 16),
            groups=1,
            reduction=8,
            inplanes=16,
        ),
        SQUARE,
        ODD,
        head="last_linear",
        exporter="torchscript",
    ),
    "resnet-rs-small": Member(
        f"{TIMM} ResNet as resnetrs50",
        rossr(
            "Bottleneck",
            (1, 1, 1, 1),
            (8, 8, 12, 16),
            stem_width=8,
            stem_type="deep",
            replace_stem_pool=True,
            avg_down=True,
            block_args={"attn_layer": partial(timm.layers.get_attn("se"), rd_ratio=0.25)},
        ),
        SQUARE,
        ODD,
        exporter="torchscript",
    ),
    "resnet-aa-small": Member(
        f"{TIMM} ResNet as resnetaa50d",
        rossr(
            "Bottleneck",
            (1, 1, 1, 1),
            (8, 8, 12, 16),
            stem_width=8,
            stem_type="deep",
            avg_down=True,
            aa_layer=nn.AvgPool2d,
        ),
        SQUARE,
        (96, 160),
        exporter="torchscript-norms",
    ),
    "resnet-blur-small": Member(
        f"{TIMM} ResNet as resnetblur18",
        rossr("BasicBlock", (1, 1, 1, 1), (8, 12, 16, 16), aa_layer=BlurPool2d),
        SQUARE,
        ODD,
        exporter="torchscript-norms",
    ),
    "resnet-blur-bottleneck-small": Member(
        f"{TIMM} ResNet as resnetblur50",
        rossr("Bottleneck", (1, 1, 1, 1), (8, 8, 12, 16), aa_layer=BlurPool2d),
        SQUARE,
        ODD,
        exporter="dynamo",
    ),
    "resnetv2-small": Member(
        f"{TIMM} ResNetV2 as resnetv2_50",
        second((2, 1, 1, 1), (32, 32, 48, 64), stem_chs=8),
        SQUARE,
        ODD,
        exporter="dynamo",
        **SECOND,
    ),
    "preact-small": Member(
        "kuangliu PreActResNet18",
        partial(Preactivation, PreactivationBlock, (8, 8, 12, 16), (2, 1, 1, 1)),
        (32, 32),
        (32, 32),
        head="linear",
        exporter="torchscript-norms",
    ),
    "cifar-a-small": Member(
        "akamaster resnet20",
        partial(Small, PaddedBlock, (8, 16, 32), (2, 1, 1)),
        (32, 32),
        (48, 48),
        head="linear",
        modules=THREE,
        exporter="dynamo",
    ),
    "iresnet-small": Member(
        "insightface IResNet",
        partial(Faces, (8, 8, 12, 16), (2, 1, 1, 1), 48, 32),
        (48, 48),
        (48, 48),
        preprocessing=HALF,
        result="embedding",
        exporter="torchscript",
    ),
    "tiny-small": Member(
        "MLPerf Tiny ResNet-8",
        partial(Tiny, (8, 16, 32)),
        (32, 32),
        (48, 48),
        head="dense",
        modules=THREE,
        exporter="dynamo",
    ),
}

# What is written.


def filled(member):
    network = member.make().eval()
    state = network.state_dict()
    for name, tensor in floats(state).items():
        tensor.copy_(torch.from_numpy(values(name, tuple(tensor.shape))))
    return network


def outputs(member, network, x):
    """The outputs by name, without the dimension of the batch."""
    found = {}
    modules = dict(network.named_modules())
    hooks = [
        modules[place].register_forward_hook(lambda module, args, y, name=name: found.update({name: y.clone()}))
        for name, place in member.modules.items()
    ]
    if member.head:
        hooks.append(
            modules[member.head].register_forward_pre_hook(lambda module, args: found.update(features=args[0].clone()))
        )
    with torch.no_grad():
        y = network(x)
    for hook in hooks:
        hook.remove()
    if member.result:
        found["features"] = found["features"].flatten(1)
        found[member.result] = y
    return {name: tensor[0].numpy() for name, tensor in found.items()}


def check(name, results):
    for output, array in results.items():
        assert np.isfinite(array).all() and np.abs(array).max() < 1e4, (name, output)
        assert array.std() > 0.05 * np.abs(array).mean(), (name, output)
        if array.ndim == 3:
            alive = np.abs(array).max((1, 2)) > 0
            assert alive.mean() > 0.5, (name, output, alive.mean())


def stride(count):
    return 1 if count <= 256 else next(step for step in (97, 997, 9973) if count <= 256 * step)


def text(name, member, network):
    lines = [f"member {name}", f"source {member.source}"]
    for key, numbers in zip(("mean", "std"), member.preprocessing):
        lines.append(" ".join([key, *map(str, numbers)]))
    for tensor, value in floats(network.state_dict()).items():
        lines.append(" ".join(["tensor", tensor, *map(str, value.shape)]))
    network = network.double()
    for number, size in enumerate(member.sizes):
        results = outputs(member, network, prepared(member, number, *size))
        check(name, results)
        lines.append(f"image {number} {size[0]} {size[1]}")
        for output, array in results.items():
            array = array.astype(np.float32)
            step = stride(array.size)
            lines.append(" ".join(map(str, ["output", output, step, np.abs(array).max(), *array.shape])))
            lines.append(" ".join(map(str, array.flatten()[::step])))
    return "\n".join(lines) + "\n"


def export(member, network, x):
    old = {
        "dynamo": False,
        "opset_version": 17,
        "dynamic_axes": {"image": {0: "batch"}, member.result: {0: "batch"}},
    }
    kinds = {
        "torchscript": old,
        "torchscript-norms": {**old, "training": torch.onnx.TrainingMode.PRESERVE},
        "dynamo": {"dynamo": True, "external_data": False},
    }
    file = io.BytesIO()
    torch.onnx.export(
        network, (x,), file, input_names=["image"], output_names=[member.result], **kinds[member.exporter]
    )
    model = onnx.load_from_string(file.getvalue())
    # Where each node comes from, with this machine's paths.
    model.graph.ClearField("metadata_props")
    for part in [*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


def tensorflow(network, size):
    """The graph that tf2onnx makes of MLPerf Tiny's network."""
    nodes, constants = [], []

    def constant(array):
        constants.append(numpy_helper.from_array(array, f"const_{len(constants)}"))
        return constants[-1].name

    def node(kind, *inputs, **attributes):
        output = f"{kind}_{len(nodes)}:0"
        nodes.append(helper.make_node(kind, inputs, [output], name=output[:-2], **attributes))
        return output

    def folded(x, conv, norm=None):
        weights, bias = conv.weight.double(), conv.bias.double()
        if norm:
            factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
            weights = weights * factor[:, None, None, None]
            bias = (bias - norm.running_mean) * factor + norm.bias
        kernel, stride = list(conv.kernel_size), list(conv.stride)
        # Sizes are even, so a stride of 2 reads one row and one column less than a padding on all sides has.
        pads = [0, 0, 0, 0] if kernel == [1, 1] else [0, 0, 1, 1] if stride == [2, 2] else [1, 1, 1, 1]
        parts = [constant(part.detach().float().numpy()) for part in (weights, bias)]
        return node("Conv", x, *parts, kernel_shape=kernel, strides=stride, pads=pads, group=1, dilations=[1, 1])

    x = node("Transpose", "input_1", perm=[0, 3, 1, 2])
    x = node("Relu", folded(x, network.conv1, network.bn1))
    for block in (network.layer1[0], network.layer2[0], network.layer3[0]):
        y = node("Relu", folded(x, block.conv1, block.bn1))
        y = folded(y, block.conv2, block.bn2)
        x = folded(x, block.shortcut) if hasattr(block, "shortcut") else x
        x = node("Relu", node("Add", x, y))
    x = node("AveragePool", x, kernel_shape=[size // 4] * 2, strides=[size // 4] * 2)
    x = node("Transpose", x, perm=[0, 2, 3, 1])
    x = node("Reshape", x, constant(np.array([-1, network.dense.in_features])))
    x = node("MatMul", x, constant(network.dense.weight.detach().numpy().T.copy()))
    x = node("Add", x, constant(network.dense.bias.detach().numpy()))
    x = node("Softmax", x, axis=1)
    nodes[-1].output[0] = "dense"
    image = helper.make_tensor_value_info("input_1", TensorProto.FLOAT, ["batch", size, size, 3])
    result = helper.make_tensor_value_info("dense", TensorProto.FLOAT, ["batch", network.dense.out_features])
    graph = helper.make_graph(nodes, "tf2onnx", [image], [result], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)


def write_onnx(name, model, x, expected):
    onnx.checker.check_model(model, full_check=True)
    found = reference.ReferenceEvaluator(model).run(None, {model.graph.input[0].name: x})[0][0]
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max(), name
    data = model.SerializeToString()
    assert len(data) < 150_000, (name, len(data))
    with open(os.path.join(HERE, name + ".onnx"), "wb") as file:
        file.write(data)


def write_graphs(name, member, network):
    x = prepared(member, 0, *member.sizes[0]).float()
    expected = outputs(member, network, x)[member.result]
    write_onnx(name, export(member, network, x), x.numpy(), expected)
    if isinstance(network, Tiny):
        model = tensorflow(network, x.shape[2])
        powers = np.exp(expected - expected.max())
        write_onnx(name + "-tf", model, x.numpy().transpose(0, 2, 3, 1), powers / powers.sum())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("members", nargs="*", default=list(MEMBERS))
    for name in parser.parse_args().members:
        member = MEMBERS[name]
        network = filled(member)
        if member.exporter:
            write_graphs(name, member, network)
        with open(os.path.join(HERE, name + ".txt"), "w") as file:
            file.write(text(name, member, network))
        print(name)


if __name__ == "__main__":
    main()
