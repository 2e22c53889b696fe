# SPDX-License-Identifier: Apache-2.0
"""The network as a PyTorch module, and PyTorch's way of quantizing one."""

import torch
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

import resnet


class Network(torch.nn.Module):
    def __init__(self, architecture, weights):
        super().__init__()
        self.architecture = architecture
        self.weights = {name: torch.from_numpy(array) for name, array in weights.items()}
        self.layers = torch.nn.ModuleDict()
        resnet.walk(architecture, self, None)
        self.eval().requires_grad_(False)

    def forward(self, image):
        return resnet.walk(self.architecture, self, image)

    def layer(self, name, x, make, *tensors):
        """Applies a layer; without an input, makes it."""
        key = name.replace(".", "_")
        if x is not None:
            return self.layers[key](x)
        self.layers[key] = make()
        self.layers[key].load_state_dict(
            {tensor: self.weights[f"{name}.{tensor}"] for tensor in tensors}, strict=False)

    def convolution(self, x, name, norm, size, stride, relu, out, groups):
        x = self.layer(name, x, lambda: torch.nn.Conv2d(
            self.weights[f"{name}.weight"].shape[1] * groups, out, size, stride, size // 2,
            groups=groups, bias=False), "weight")
        x = self.layer(norm, x, lambda: torch.nn.BatchNorm2d(out, eps=resnet.EPSILON),
                       "weight", "bias", "running_mean", "running_var")
        return torch.relu(x) if relu and x is not None else x

    def max_pool(self, x):
        return x if x is None else torch.nn.functional.max_pool2d(x, 3, 2, 1)

    def add_relu(self, x, shortcut):
        return x if x is None else torch.relu(x + shortcut)

    def head(self, x):
        x = x if x is None else torch.flatten(torch.nn.functional.adaptive_avg_pool2d(x, 1), 1)
        return self.layer("fc", x, lambda: torch.nn.Linear(*reversed(self.weights["fc.weight"].shape)),
                          "weight", "bias")


def networks(work, architecture, photos, quantizer):
    """The exported float32 network and the quantized one, by precision."""
    network = Network(architecture, resnet.read_safetensors(work / "weights.safetensors"))
    photos = [torch.from_numpy(photo) for photo in photos]
    example = (photos[0],)
    prepared = prepare_pt2e(torch.export.export(network, example).module(), quantizer)
    for photo in photos:
        prepared(photo)
    quantized = convert_pt2e(prepared)
    return {"float32": torch.export.export(network, example),
            "int8": torch.export.export(quantized, example)}
