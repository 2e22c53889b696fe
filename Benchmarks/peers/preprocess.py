# SPDX-License-Identifier: Apache-2.0
"""From a photo to the network's input, by the recipe of Models/README.md."""

import numpy as np
from PIL import Image, ImageOps

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
SUFFIXES = {".jpg", ".jpeg", ".png"}


def load(path, size=224, shorter=256):
    """The photo as float32 of shape 1 × 3 × size × size."""
    with Image.open(path) as image:
        image = ImageOps.exif_transpose(image).convert("RGB")
    width, height = image.size
    scale = shorter / min(width, height)
    # The longer side is rounded down, as torchvision does.
    resized = (int(width * scale) if width > height else shorter,
               int(height * scale) if height > width else shorter)
    image = image.resize(resized, Image.Resampling.BILINEAR)
    left, top = (round((side - size) / 2) for side in resized)
    pixels = np.asarray(image.crop((left, top, left + size, top + size)), np.float32)
    return np.ascontiguousarray(((pixels / 255 - MEAN) / DEVIATION).transpose(2, 0, 1))[None]


def photos(directory):
    """The photos in a folder and the folders in it, in order."""
    return sorted(p for p in directory.rglob("*") if p.suffix.lower() in SUFFIXES)
