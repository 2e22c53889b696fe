# SPDX-License-Identifier: Apache-2.0
"""Writes `preprocessing.txt`: what Pillow makes of noise and of photos with every filter and fit.

For developers who add a case; the tests need no Python. Needs Pillow and NumPy. Run it here.

A line is `source filter fit colours centring resize crop SHA-256` of RGB bytes, its first 16 digits. The source is WxH, noise as in
`make_fixtures.py`, or the name of a photo in Models/examples. The fit `resize` stands for a resize to the sides
that `resize` and `crop` name.
"""

import hashlib
import os

import numpy as np
from PIL import Image, ImageOps

from make_fixtures import PREPROCESSES, RESIZES, noise

FILTERS = {
    "bilinear": Image.BILINEAR,
    "bicubic": Image.BICUBIC,
    "nearest": Image.NEAREST,
    "lanczos": Image.LANCZOS,
    "box": Image.BOX,
}
PHOTOS = ["church", "tench", "parachute"]


def resize(image, width, height, kind):
    """Horizontally, then vertically, as Pillow did it always before 13 and does it mostly since."""
    image = image.resize((width, image.height), FILTERS[kind])
    return image.resize((width, height), FILTERS[kind])


def prepared(image, kind, fit, colours, centring, size, crop):
    if colours == "grey":
        image = image.convert("L")
    width, height = image.size
    if fit == "letterbox":
        # ImageOps.pad, but for the order of passes.
        sides = ImageOps.contain(Image.new("1", image.size), (size, size)).size
        image = resize(image, *sides, kind)
        return ImageOps.pad(image, (size, size), FILTERS[kind], color=0)
    if fit == "squash":
        width, height = size, size
    elif width <= height:
        width, height = size, int(size * height / width)
    else:
        width, height = int(size * width / height), size
    image = resize(image, width, height, kind)
    x, y = (width - crop) / 2.0, (height - crop) / 2.0
    x, y = (int(round(x)), int(round(y))) if centring == "even" else (int(x // 1), int(y // 1))
    return image.crop((x, y, x + crop, y + crop))


def source(name):
    if name[0].isdigit():
        return Image.fromarray(noise(*map(int, name.split("x"))))
    path = os.path.join("../../../Models/examples", name + ".jpg")
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


def main():
    lines = []

    def add(*case):
        name, kind, fit, colours, centring, size, crop = case
        image = source(name)
        if fit == "resize":
            image = resize(image, size, crop, kind)
        else:
            image = prepared(image, *case[1:])
        digest = hashlib.sha256(np.asarray(image.convert("RGB")).tobytes()).hexdigest()[:16]
        lines.append(" ".join(map(str, case + (digest,))))

    for kind in FILTERS:
        for (width, height), (to_width, to_height) in RESIZES:
            add(f"{width}x{height}", kind, "resize", "rgb", "even", to_width, to_height)
        for fit in ("crop", "squash", "letterbox"):
            for colours in ("rgb", "grey"):
                for centring in ("even", "down"):
                    for (width, height), size, crop in PREPROCESSES[:7]:
                        if fit == "letterbox" and centring == "down":
                            continue
                        size = crop if fit == "letterbox" else size
                        add(f"{width}x{height}", kind, fit, colours, centring, size, crop)
        for photo in PHOTOS:
            add(photo, kind, "crop", "rgb", "even", 256, 224)
            add(photo, kind, "letterbox", "rgb", "even", 224, 224)
    for photo in PHOTOS:
        add(photo, "bicubic", "crop", "rgb", "down", 257, 224)
        add(photo, "bicubic", "crop", "rgb", "even", 235, 224)
        add(photo, "nearest", "squash", "rgb", "even", 224, 224)
        add(photo, "bilinear", "crop", "grey", "even", 256, 224)
    with open("preprocessing.txt", "w") as file:
        file.write("\n".join(lines) + "\n")


main()
