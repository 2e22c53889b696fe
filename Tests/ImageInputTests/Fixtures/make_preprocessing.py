# SPDX-License-Identifier: Apache-2.0
"""Writes `preprocessing.txt`: what Pillow makes of noise and of photos with every filter and fit.

For developers who add a case; the tests need no Python. Needs Pillow and NumPy. Run it here.

A line is `source filter fit colours centring resize crop SHA-256` of RGB bytes, its first 16 digits. The source is WxH, noise as in
`make_fixtures.py`, or the name of a photo in Models/examples. Resize and crop are a square's side or HxW. The fit
`resize` stands for a resize to the sides that `resize` and `crop` name.
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
# Source, resize and crop of images that are no squares: wider and taller than the source, and the same.
RECTANGLES = [
    ((40, 30), (20, 31), (16, 27)),
    ((30, 40), (20, 31), (20, 31)),
    ((61, 47), (47, 24), (33, 21)),
    ((300, 200), (17, 64), (17, 64)),
    ((200, 301), (64, 17), (50, 16)),
    ((64, 48), (48, 64), (48, 64)),
    ((25, 21), (42, 50), (41, 33)),
]


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
        sides = ImageOps.contain(Image.new("1", image.size), (size[1], size[0])).size
        image = resize(image, *sides, kind)
        return ImageOps.pad(image, (size[1], size[0]), FILTERS[kind], color=0)
    if fit == "squash":
        height, width = size
    elif width * size[0] <= height * size[1]:
        width, height = size[1], int(size[1] * height / width)
    else:
        width, height = int(size[0] * width / height), size[0]
    image = resize(image, width, height, kind)
    x, y = (width - crop[1]) / 2.0, (height - crop[0]) / 2.0
    x, y = (int(round(x)), int(round(y))) if centring == "even" else (int(x // 1), int(y // 1))
    return image.crop((x, y, x + crop[1], y + crop[0]))


def sides(size):
    return size if isinstance(size, tuple) else (size, size)


def words(value):
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


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
            image = prepared(image, *case[1:5], sides(size), sides(crop))
        digest = hashlib.sha256(np.asarray(image.convert("RGB")).tobytes()).hexdigest()[:16]
        lines.append(" ".join(map(words, case + (digest,))))

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
    for kind in ("bilinear", "nearest", "lanczos"):
        for fit in ("crop", "squash", "letterbox"):
            for centring in ("even", "down") if fit == "crop" else ("even",):
                for (width, height), size, crop in RECTANGLES:
                    size = crop if fit == "letterbox" else size
                    add(f"{width}x{height}", kind, fit, "rgb", centring, size, crop)
    for photo in PHOTOS:
        for fit in ("crop", "squash", "letterbox"):
            add(photo, "bilinear", fit, "rgb", "even", (480, 640), (480, 640))
    for photo in PHOTOS:
        add(photo, "bicubic", "crop", "rgb", "down", 257, 224)
        add(photo, "bicubic", "crop", "rgb", "even", 235, 224)
        add(photo, "nearest", "squash", "rgb", "even", 224, 224)
        add(photo, "bilinear", "crop", "grey", "even", 256, 224)
    with open("preprocessing.txt", "w") as file:
        file.write("\n".join(lines) + "\n")


main()
