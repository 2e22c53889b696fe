# SPDX-License-Identifier: Apache-2.0
"""Writes the small files under seeds/: the smallest residual network in every format that is read, checkpoints that
once trapped a reader or kept it busy, an array of NumPy, and camera frames. Python's standard library is enough."""

import io
import json
import math
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path

SEEDS = Path(__file__).parent / "seeds"
CHANNELS, OUTPUTS = 2, 3
NORM = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}


def shapes(outputs=OUTPUTS):
    """The names and shapes of a ResNet of one basic block, as torchvision writes them."""
    result = OrderedDict()

    def convolution(name, norm, inputs, size):
        result[f"{name}.weight"] = (CHANNELS, inputs, size, size)
        for part in NORM:
            result[f"{norm}.{part}"] = (CHANNELS,)

    convolution("conv1", "bn1", 3, 7)
    convolution("layer1.0.conv1", "layer1.0.bn1", CHANNELS, 3)
    convolution("layer1.0.conv2", "layer1.0.bn2", CHANNELS, 3)
    result["fc.weight"] = (outputs, CHANNELS)
    result["fc.bias"] = (outputs,)
    return result


def values(name, shape):
    count = math.prod(shape)
    part = name.rsplit(".", 1)[1]
    if "bn" in name:
        return [NORM[part]] * count
    return [((index * 7) % 11 - 5) / 16 for index in range(count)]


def floats(numbers):
    return struct.pack(f"<{len(numbers)}f", *numbers)


def safetensors():
    header, data = {}, b""
    for name, shape in shapes().items():
        part = floats(values(name, shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def torch_modules():
    """Stands in for the parts of torch that a pickled state dict names."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def rebuild(*arguments):
        raise NotImplementedError

    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = rebuild
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    torch._utils = utils
    sys.modules.update({"torch": torch, "torch._utils": utils})
    return torch


class Storage:
    def __init__(self, key, count):
        self.key, self.count = key, count


class TensorOf:
    def __init__(self, torch, storage, *view):
        self.torch, self.storage, self.view = torch, storage, view

    def __reduce__(self):
        return self.torch._utils._rebuild_tensor_v2, (self.storage, *self.view, False, OrderedDict())


def views(changes={}, outputs=OUTPUTS):
    """For each tensor how many elements its storage has, and the offset, shape and strides in it."""
    result = OrderedDict()
    for name, shape in shapes(outputs).items():
        strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
        result[name] = changes.get(name, (math.prod(shape), 0, shape, strides))
    return result


def pickled(torch, is_zip, tensors):
    class Pickler(pickle.Pickler):
        def persistent_id(self, object):
            if isinstance(object, Storage):
                return ("storage", torch.FloatStorage, object.key, "cpu", object.count) + (() if is_zip else (None,))
            return None

    state = OrderedDict(
        (name, TensorOf(torch, Storage(str(index), count), *view))
        for index, (name, (count, *view)) in enumerate(tensors.items())
    )
    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump(state)
    return stream.getvalue()


def torch_zip(torch, tensors=views()):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:

        def add(name, contents):
            archive.writestr(zipfile.ZipInfo(f"net/{name}", (1980, 1, 1, 0, 0, 0)), contents)

        add("data.pkl", pickled(torch, True, tensors))
        add("byteorder", "little")
        for index, (name, (count, *_)) in enumerate(tensors.items()):
            add(f"data/{index}", floats(values(name, (count,))))
        add("version", "3\n")
    return stream.getvalue()


def torch_legacy(torch, tensors=views(), object=None):
    """What follows the first pickle, which is the magic number."""
    result = pickle.dumps(1001, protocol=2)
    result += pickle.dumps({"protocol_version": 1001, "little_endian": True}, protocol=2)
    result += object or pickled(torch, False, tensors)
    result += pickle.dumps([str(index) for index in range(len(tensors))], protocol=2)
    for name, (count, *_) in tensors.items():
        result += struct.pack("<q", count) + floats(values(name, (count,)))
    return result


def overlapping(archive):
    """An archive whose directory leads 200 times to the first storage."""
    directory, end = archive[:-22], archive[-22:]
    place = directory.rindex(b"net/data/0")
    copies = b"".join(directory[place - 46 : place] + b"net/data/%c" % (128 + index) for index in range(100))
    on_disk, total, size = struct.unpack("<HHI", end[8:16])
    return directory + copies + end[:8] + struct.pack("<HHI", on_disk + 100, total + 100, size + len(copies)) + end[16:]


def hostile_torch(torch):
    """Checkpoints that trapped a reader or took time and memory out of proportion, scaled down."""
    greatest = 2**63 - 1
    # The stride of one element, which no sum holds.
    stride = views({"fc.weight": (4, 1, (1, CHANNELS), (greatest, 2))}, outputs=1)
    # 4 GiB of two elements, in the classifier, whose rows may be any number.
    expanded = views({"fc.weight": (CHANNELS, 0, (2**29, CHANNELS), (0, 1))})
    turned = {name: (count, 0, shape, strides[::-1]) for name, (count, _, shape, strides) in views().items()}
    yield "zip/stride", torch_zip(torch, stride)
    yield "zip/expanded", torch_zip(torch, expanded)
    yield "zip/turned", torch_zip(torch, turned)
    yield "zip/overlapping", overlapping(torch_zip(torch))
    yield "zip/ends", torch_zip(torch) + 40 * torch_zip(torch)[-22:]
    yield "pickle/stride", torch_legacy(torch, stride)
    yield "pickle/expanded", torch_legacy(torch, expanded)
    # A class of two long names, and a dictionary of a list, again and again.
    kept = b"(X" + struct.pack("<I", 500) + b"x" * 500 + b"q\0"
    yield "pickle/names", torch_legacy(torch, object=b"\x80\2]" + kept + 50 * b"h\0h\0\x93" + b"e.")
    call = b"ccollections\nOrderedDict\nh\1R"
    yield "pickle/pairs", torch_legacy(
        torch, object=b"\x80\2](](" + 200 * b"NN\x86" + b"e\x85q\1" + 50 * call + b"e.")
    sizes = b"(" + 65 * b"K\1" + b"tq\1"
    yield "pickle/dimensions", torch_legacy(
        torch, object=b"\x80\2](" + sizes + 20 * b"ctorch._utils\n_rebuild_tensor_v2\n(h\1h\1h\1h\1NNtR" + b"e.")


def varint(number):
    result = b""
    while number > 127:
        result += bytes([number & 127 | 128])
        number >>= 7
    return result + bytes([number])


def field(number, value):
    """A field of a protocol buffer: an integer, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def node(operation, inputs, output, **attributes):
    result = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, operation)
    for name, value in attributes.items():
        is_list = isinstance(value, list)
        body = field(1, name) + field(20, 7 if is_list else 2)
        body += b"".join(field(8, each) for each in value) if is_list else field(3, value)
        result += field(5, body)
    return field(1, result)


def convolution(inputs, output, size, stride):
    return node(
        "Conv", inputs, output, dilations=[1, 1], group=1, kernel_shape=[size, size],
        pads=[size // 2] * 4, strides=[stride, stride],
    )


def value_info(name, shape):
    sides = b"".join(field(1, field(1, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, sides)))


def onnx(tail=None, dimensions=None):
    """The network; with other nodes behind the vector and other dimensions of the classifier."""
    tensors = {name: shape for name, shape in shapes().items() if "bn" not in name}
    graph = convolution(["image", "conv1.weight"], "a", 7, 2) + node("Relu", ["a"], "b")
    graph += node("MaxPool", ["b"], "c", kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2])
    graph += convolution(["c", "layer1.0.conv1.weight"], "d", 3, 1) + node("Relu", ["d"], "e")
    graph += convolution(["e", "layer1.0.conv2.weight"], "f", 3, 1)
    graph += node("Add", ["f", "c"], "g") + node("Relu", ["g"], "h")
    graph += node("GlobalAveragePool", ["h"], "i") + node("Flatten", ["i"], "j", axis=1)
    graph += tail or node("Gemm", ["j", "fc.weight", "fc.bias"], "logits", transB=1)
    graph += field(2, "smallest")
    for name, shape in tensors.items():
        if name == "fc.weight" and dimensions:
            shape = dimensions
        body = b"".join(field(1, side) for side in shape) + field(2, 1) + field(8, name)
        graph += field(5, body + field(9, floats(values(name, shape))))
    graph += field(11, value_info("image", [1, 3, 32, 32]))
    graph += field(12, value_info("logits", [1, OUTPUTS]))
    return field(1, 8) + field(2, "seed") + field(7, graph) + field(8, field(2, 17))


def hostile_onnx():
    """The same of ONNX."""
    product = node("MatMul", ["j", "fc.weight"], "sum0")
    yield "onnx/no-weights", onnx(node("MatMul", ["j", "fc.weight"], "logits"), dimensions=(0, 2**40))
    sums = b"".join(node("Add", [f"sum{index}", "fc.bias"], f"sum{index + 1}") for index in range(40))
    yield "onnx/sums", onnx(product + sums + node("Identity", ["sum40"], "logits"), dimensions=(CHANNELS, OUTPUTS))
    many = b"".join(node("MatMul", ["j", "fc.weight"], f"sum{index}") for index in range(40))
    yield "onnx/many", onnx(many + node("Identity", ["sum0"], "logits"), dimensions=(CHANNELS, OUTPUTS))


def numpy():
    """Two rows of three numbers as numpy.save writes them."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + floats(range(6))


def frames():
    for kind in range(10):
        yield bytes([4, 2, kind, 0, kind, kind // 2]) + bytes(range(16, 64))
        yield bytes([6, 4, kind, 6, 1, 1]) + bytes(range(0, 250, 5))


def configurations():
    """One of each file that may lie beside a model; the first byte tells which."""
    timm = {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bicubic", "crop_pct": 0.9, "input_size": [3, 96, 96]}
    yield 0, {"architecture": "resnet18", "pretrained_cfg": timm | {"crop_mode": "border"}}
    yield 0, {"model_type": "resnet", "hidden_act": "relu", "downsample_in_bottleneck": True}
    yield 1, {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 3, "size": {"shortest_edge": 224}, "crop_pct": 0.8}
    yield 1, {"do_rescale": False, "do_normalize": False, "size": 64, "do_center_crop": True, "crop_size": {"height": 64, "width": 64}}
    yield 2, {"stages": [
        {"type": "resize", "size": 72, "interpolation": "lanczos"}, {"type": "center_crop", "size": [64, 64]},
        {"type": "to_tensor"}, {"type": "normalize", "mean": [0.5] * 3, "std": [0.5] * 3}]}
    yield 0, {"architecture": "resnet18", "deep": json.loads("[" * 60 + '"",' * 60 + "0" + "]" * 60)}


def streams():
    """Two frames of YUV4MPEG2, and two JPEG images of which one breaks off."""
    header = b"YUV4MPEG2 W4 H2 F30:1 C420jpeg XCOLORRANGE=FULL\n"
    yield header + b"FRAME\n" + bytes(8) + b"FRAME Ip\n" + bytes(range(8))
    image = b"\xff\xd8\xff\xe0\0\4\xff\xd9\xff\xda\0\2\x12\xff\0\xff\xd0\x34"
    yield b"--frame\r\n" + image + b"\xff\xd9" + image + image + b"\xff\xff\xd9"


def exif():
    """TIFF structures of both byte orders that state an orientation."""
    for order, mark in (("<", b"II"), (">", b"MM")):
        for kind, value in ((3, struct.pack(order + "HH", 6, 0)), (4, struct.pack(order + "I", 3))):
            width = struct.pack(order + "HHII", 0x0100, 4, 1, 2)
            orientation = struct.pack(order + "HHI", 0x0112, kind, 1) + value
            yield mark + struct.pack(order + "HIH", 42, 8, 2) + width + orientation + bytes(4)


def tunings():
    """The forms of a plan, behind an even byte; or the whole text of another."""
    yield b"\0layer1.0.conv1 2x2\nlayer1.0.conv2 4x4\n"
    yield b"\0layer1.0.conv2 4x2\nlayer2.0.conv2 2x2\n"
    yield b"\1resnet-runtime tuning 1\nplan 00000000\ncpu ref a\nthreads 1\nlayer1.0.conv1 4x4\n"


def structured():
    """One change of each plan: which plan, how it runs (quickly), how many changes, and one of a step."""
    for plan in range(12):
        yield bytes([plan, 39, 0, 0, plan, 0, 2, plan, 0, plan])


def class_names():
    text = "n01440764 tench, Tinca tinca\r\nEnglish springer\r\u00e9t\u00e9 \n\n"
    yield text.encode()
    yield b"\xef\xbb\xbf" + text.encode()
    yield b"\xff\xfe" + text.encode("utf-16-le")
    yield b"\xfe\xff" + text.encode("utf-16-be")


def folders():
    yield b"n01440764\nEnglish_springer\nchurch\n\nn01440764 tench, Tinca tinca\nEnglish springer\nn3 church, church building"
    yield b"a\nb\n\n1\n2"


def features():
    """Files of features: photos of two classes, and one of a class."""
    for names, labels in ((b"a\0b\0x\0y\0z\0", [0, 1, 0]), (b"c\0p\0", [0])):
        classes = names.count(b"\0") - len(labels)
        body = names + bytes(-len(names) % 4) + struct.pack(f"<{len(labels)}I", *labels)
        body += b"".join(bytes([photo] * 32) for photo in range(len(labels)))
        body += struct.pack(f"<{2 * len(labels)}f", *range(2 * len(labels)))
        header = struct.pack("<IIIIQ", len(labels), classes, 2, 1, len(names))
        yield b"RNFEAT\r\n" + struct.pack("<IIQ", 1, 0, 0) + header + bytes(48) + body


def main():
    torch = torch_modules()
    files = {
        "safetensors/smallest": safetensors(), "zip/smallest": torch_zip(torch),
        "pickle/smallest": torch_legacy(torch), "onnx/smallest": onnx(),
        "numpy/smallest": numpy(),
    } | {f"frame/{index}": frame for index, frame in enumerate(frames())}
    for index, (kind, fields) in enumerate(configurations()):
        files[f"configuration/{index}"] = bytes([kind]) + json.dumps(fields).encode()
    for name, seeds in {
        "stream": streams(), "exif": exif(), "structured": structured(), "tuning": tunings(),
        "classes": class_names(), "folders": folders(), "features": features(),
    }.items():
        files |= {f"{name}/{index}": seed for index, seed in enumerate(seeds)}
    files |= dict(hostile_torch(torch)) | dict(hostile_onnx())
    for name, contents in files.items():
        path = SEEDS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents)


if __name__ == "__main__":
    main()
