# SPDX-License-Identifier: Apache-2.0
"""MNN, quantized by its mnnquant: ranges by KL divergence, weights by maximum."""

import MNN
import numpy as np


def make(work, _, photos):
    import json

    # Not MNN.tools, which installs a package that reports what was done to a server.
    import _tools
    from PIL import Image

    import preprocess

    _tools.mnnconvert(["", "-f", "ONNX", "--modelFile", str(work / "float32.onnx"),
                       "--MNNModel", str(work / "float32.mnn"), "--bizCode", "peers"])
    # It reads image files: those that the photos came from, cropped.
    (work / "crops").mkdir()
    for index, photo in enumerate(photos):
        pixels = (photo[0].transpose(1, 2, 0) * preprocess.DEVIATION + preprocess.MEAN) * 255
        Image.fromarray(pixels.round().astype(np.uint8)).save(work / f"crops/{index}.png")
    config = work / "mnn.json"
    config.write_text(json.dumps({
        "format": "RGB",
        "mean": (preprocess.MEAN * 255).tolist(),
        "normal": (1 / (preprocess.DEVIATION * 255)).tolist(),
        "width": 224, "height": 224,
        "path": f"{work}/crops/", "used_image_num": len(photos),
        "feature_quantize_method": "KL", "weight_quantize_method": "MAX_ABS",
    }))
    _tools.mnnquant(["", str(work / "float32.mnn"), str(work / "int8.mnn"), str(config)])


def load(model, threads, _):
    # precision "high": otherwise float32 may be computed in 16 bits.
    manager = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": threads, "precision": "high"},))
    net = MNN.nn.load_module_from_file(model, ["image"], ["logits"], runtime_manager=manager)

    def infer(image):
        x = MNN.expr.const(image, list(image.shape), MNN.expr.NCHW)
        return MNN.expr.convert(net.forward([x])[0], MNN.expr.NCHW).read()[0]

    return infer
