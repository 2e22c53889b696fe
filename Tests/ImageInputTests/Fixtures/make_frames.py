# SPDX-License-Identifier: Apache-2.0
"""Makes frames of random bytes and what other software makes of them, as tool-WxH-format-matrix-range.ppm
beside a .raw.

For developers who add a case; the tests need no Python. Needs NumPy, Pillow (full range BT.601),
OpenCV (limited range BT.601) and colour-science (BT.709). Run it here.
"""

import colour
import cv2
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 34, 6
random = np.random.default_rng(5)


def write(tool, kind, matrix, span, raw, rgb):
    name = f"frames/{tool}-{WIDTH}x{HEIGHT}-{kind}-{matrix}-{span}"
    with open(name + ".raw", "wb") as file:
        file.write(raw.tobytes())
    with open(name + ".ppm", "wb") as file:
        file.write(b"P6\n%d %d\n255\n" % (WIDTH, HEIGHT) + np.ascontiguousarray(rgb, np.uint8).tobytes())


def samples(size, least=0):
    """OpenCV makes 16 of what is below."""
    return random.integers(least, 256, size, np.uint8)


def planes(least=0):
    small = HEIGHT // 2, WIDTH // 2
    return [samples((HEIGHT, WIDTH), least), samples(small), samples(small)]


def whole(plane):
    """A sample for each pixel."""
    return plane.repeat(2, 0).repeat(2, 1)


def pack(y, u, v, kind):
    if kind == "yuv420":
        return np.concatenate([y.ravel(), u.ravel(), v.ravel()])
    return np.concatenate([y.ravel(), np.stack([u, v], -1).ravel()])


for kind in ("yuv420", "nv12"):
    y, u, v = planes()
    image = Image.merge("YCbCr", [Image.fromarray(p) for p in (y, whole(u), whole(v))])
    write("pillow", kind, "bt601", "full", pack(y, u, v, kind), np.asarray(image.convert("RGB")))

    y, u, v = planes(16)
    raw = pack(y, u, v, kind)
    code = cv2.COLOR_YUV2RGB_I420 if kind == "yuv420" else cv2.COLOR_YUV2RGB_NV12
    write("opencv", kind, "bt601", "limited", raw, cv2.cvtColor(raw.reshape(-1, WIDTH), code))

yuyv = np.stack([samples((HEIGHT, WIDTH), 16), samples((HEIGHT, WIDTH))], -1)
write("opencv", "yuyv", "bt601", "limited", yuyv, cv2.cvtColor(yuyv, cv2.COLOR_YUV2RGB_YUYV))

for span in ("full", "limited"):
    y, u, v = planes()
    rgb = colour.YCbCr_to_RGB(
        np.stack([y, whole(u), whole(v)], -1).astype(float),
        K=colour.WEIGHTS_YCBCR["ITU-R BT.709"], in_bits=8, in_int=True, in_legal=span == "limited",
        out_legal=False, clamp_int=False) * 255
    # Full range has 255 steps of U and V there, JPEG's and ours.
    write("colour", "yuv420", "bt709", span, pack(y, u, v, "yuv420"),
          np.clip(np.floor(rgb + 0.5), 0, 255))
