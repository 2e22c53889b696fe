# SPDX-License-Identifier: Apache-2.0
"""Makes the images of this folder and the pixels that Pillow reads from them.

For developers who add a case; the tests need no Python. Needs Pillow and NumPy. Run it here.

`decode/x.jpg` or `.png` belongs with `decode/x.jpg.ppm`: the expected pixels as binary PPM.
`resize/WxH-wxh.ppm` and `preprocess/WxH-resize-crop.ppm` start from noise of W x H pixels that the
tests make by the same rule, see `noise`.
"""

import io
import os
import struct
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps

warnings.simplefilter("ignore")


def noise(width, height):
    """Byte i of the pixels is bits 13 to 20 of i * 2654435761."""
    index = np.arange(width * height * 3, dtype=np.uint64)
    values = (index * 2654435761 >> 13) & 255
    return values.astype(np.uint8).reshape(height, width, 3)


def picture(width=37, height=23):
    """Smooth gradients with an edge, no symmetry: every orientation looks different."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [x * 255 // (width - 1), y * 255 // (height - 1), (x * 7 + y * 3) % 256]
    pixels = np.stack(channels, -1).astype(np.uint8)
    pixels[: height // 3, : width // 4] = (250, 20, 90)
    return pixels


def write_ppm(path, pixels):
    height, width = pixels.shape[:2]
    with open(path, "wb") as file:
        file.write(b"P6\n%d %d\n255\n" % (width, height) + pixels.tobytes())


def write_decode(name, data, expected=None):
    """`expected` replaces Pillow's answer where that makes no sense."""
    path = os.path.join("decode", name)
    with open(path, "wb") as file:
        file.write(data)
    if expected is None:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        expected = np.asarray(image.convert("RGB"))
    write_ppm(path + ".ppm", expected)


def encode(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(order, orientation, kind=3, count=1, version=42):
    """A TIFF structure with a directory of two entries, the second the orientation."""
    value = struct.pack(order + "HH", orientation, 0) if kind == 3 else None
    value = value or struct.pack(order + "L", orientation)
    entries = struct.pack(order + "HHLL", 0x0100, 4, 1, 99)
    entries += struct.pack(order + "HHL", 0x0112, kind, count) + value
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HL", version, 8)
    return head + struct.pack(order + "H", 2) + entries + struct.pack(order + "L", 0)


def with_app1(jpeg, tiff):
    payload = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload + jpeg[2:]


def chunk(kind, data):
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def filtered(samples, depth):
    """Rows of samples as PNG scan lines, row y with filter type y mod 2 (none or sub)."""
    height, width, channels = samples.shape
    lines = []
    for y in range(height):
        if depth == 16:
            row = samples[y].astype(">u2").tobytes()
        elif depth == 8:
            row = samples[y].astype(np.uint8).tobytes()
        else:
            flat = samples[y].reshape(-1)
            bits = (flat[:, None] >> np.arange(depth - 1, -1, -1)) & 1
            row = np.packbits(bits.astype(np.uint8).reshape(-1)).tobytes()
        if y % 2:
            step = max(1, depth * channels // 8)
            padded = bytes(step) + row
            row = bytes((a - b) & 255 for a, b in zip(row, padded))
        lines.append(bytes([y % 2]) + row)
    return b"".join(lines)


def png(samples, depth, color, interlaced=False, before=(), after=()):
    height, width = samples.shape[:2]
    header = struct.pack(">LLBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)]
        passes += [(0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
        parts = [samples[y::dy, x::dx] for x, y, dx, dy in passes]
        data = b"".join(filtered(part, depth) for part in parts if part.size)
    else:
        data = filtered(samples, depth)
    compressed = zlib.compress(data, 9)
    half = len(compressed) // 2
    chunks = [chunk(b"IHDR", header), *(chunk(*pair) for pair in before)]
    chunks += [chunk(b"IDAT", compressed[:half]), chunk(b"IDAT", compressed[half:])]
    chunks += [*(chunk(*pair) for pair in after), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def make_jpegs():
    rgb = Image.fromarray(picture())
    for sampling in ("4:4:4", "4:2:2", "4:2:0"):
        name = "ycbcr" + sampling.replace(":", "")
        write_decode(name + ".jpg", encode(rgb, "JPEG", quality=85, subsampling=sampling))
    write_decode("progressive.jpg", encode(rgb, "JPEG", quality=80, progressive=True))
    write_decode("restart.jpg", encode(rgb, "JPEG", quality=80, restart_marker_blocks=2))
    write_decode("rgb.jpg", encode(rgb, "JPEG", quality=85, keep_rgb=True))
    write_decode("grey.jpg", encode(rgb.convert("L"), "JPEG", quality=85))
    one = Image.fromarray(picture(8, 8)).resize((1, 1))
    write_decode("one-pixel.jpg", encode(one, "JPEG", quality=90))
    pixels = picture()
    black = (pixels[..., 0] // 3 + pixels[..., 1] // 2)[..., None]
    cmyk = Image.fromarray(np.concatenate([pixels, black], -1).astype(np.uint8), "CMYK")
    data = encode(cmyk, "JPEG", quality=85)
    write_decode("cmyk.jpg", data)
    # Transform 2 in the Adobe segment: the same coefficients, read as YCCK.
    at = data.index(b"Adobe") + 11
    assert data[at] == 0
    write_decode("ycck.jpg", data[:at] + b"\x02" + data[at + 1 :])

    small = encode(Image.fromarray(picture(19, 11)), "JPEG", quality=80)
    for orientation in range(1, 9):
        order = "<>"[orientation % 2]
        name = f"orientation-{orientation}.jpg"
        write_decode(name, with_app1(small, exif(order, orientation)))
    write_decode("orientation-long.jpg", with_app1(small, exif("<", 6, kind=4)))
    write_decode("orientation-version.jpg", with_app1(small, exif(">", 8, version=42 << 8)))
    for name, tiff in {
        "zero": exif("<", 0),
        "nine": exif(">", 9),
        "cut": exif("<", 6)[:24],
        "far": exif("<", 6)[:4] + struct.pack("<L", 0xFFFFFFF0),
        "many": exif("<", 9)[:8] + b"\xff\xff" + exif("<", 9)[10:],
        "bytes": exif("<", 6, kind=2),
    }.items():
        write_decode(f"bad-exif-{name}.jpg", with_app1(small, tiff))


def make_damaged_jpegs():
    """What libjpeg warns of and reads over."""
    data = encode(Image.fromarray(picture()), "JPEG", quality=85)
    small = encode(Image.fromarray(picture(19, 11)), "JPEG", quality=80)
    end = len(data) - 2
    write_decode("stray-end.jpg", data[:end] + b"\x12\x34\x56" + data[end:])
    tables = data.index(b"\xff\xdb")
    write_decode("stray-gap.jpg", data[:tables] + b"\x12\x34" + data[tables:])
    # Between the JFIF segment and the EXIF segment.
    turned = with_app1(small[:2] + small[20:], exif("<", 6))
    write_decode("stray-exif.jpg", small[:20] + b"\x00\x12\xff\x00" + turned[2:])
    write_decode("stray-after.jpg", data + b"\x00" * 40)
    scan = data.index(b"\xff\xda") + 14
    half = (scan + end) // 2
    write_decode("half-with-end.jpg", data[:half] + data[end:])
    write_decode("wrong-codes.jpg", data[:half] + b"\xa5\x5a\xb6\xd7" * 5 + data[half + 20 :])
    lost = encode(Image.fromarray(picture()), "JPEG", quality=80, restart_marker_blocks=2)
    at = lost.index(b"\xff\xd1")
    write_decode("restart-lost.jpg", lost[:at] + lost[at + 2 :])
    progressive = encode(Image.fromarray(picture()), "JPEG", quality=80, progressive=True)
    at = progressive.rindex(b"\xff\xda") + 20
    write_decode("progressive-hole.jpg", progressive[:at] + b"\x00\x11" + progressive[at + 4 :])


def make_pngs():
    width, height = 21, 13
    y, x = np.mgrid[0:height, 0:width]
    alpha = ((x * 11 + y * 5) % 256)[..., None]
    for interlaced in (False, True):
        suffix = "-interlaced.png" if interlaced else ".png"
        for depth in (1, 2, 4, 8, 16):
            grey = ((x * 3 + y * 5) * 2654435761 >> 7) % (1 << depth)
            grey = grey[..., None].astype(np.int64)
            expected = None
            if depth == 16:
                expected = np.repeat(grey >> 8, 3, -1).astype(np.uint8)
            write_decode(f"grey{depth}" + suffix, png(grey, depth, 0, interlaced), expected)
            if depth < 16:
                count = min(1 << depth, 200)
                colors = picture(count, 2)[0].tobytes()
                entries = [(b"PLTE", colors)]
                data = png(grey % count, depth, 3, interlaced, entries)
                write_decode(f"palette{depth}" + suffix, data)
        rgb = picture(width, height).astype(np.int64)
        write_decode("rgb8" + suffix, png(rgb, 8, 2, interlaced))
        wide = rgb * 256 + 255 - rgb
        write_decode("rgb16" + suffix, png(wide, 16, 2, interlaced))
    gray = rgb[..., :1]
    write_decode("grey-alpha8.png", png(np.concatenate([gray, alpha], -1), 8, 4))
    write_decode("grey-alpha16.png", png(np.concatenate([gray * 256 + 200, alpha * 250], -1), 16, 4))
    write_decode("rgb-alpha8.png", png(np.concatenate([rgb, alpha], -1), 8, 6))
    write_decode("rgb-alpha16.png", png(np.concatenate([wide, alpha * 250], -1), 16, 6))
    # Transparency: one grey, one colour, some palette entries.
    write_decode("grey-transparent.png", png(gray, 8, 0, before=[(b"tRNS", b"\0\x55")]))
    bits = (x + y)[..., None] % 4
    write_decode("grey2-transparent.png", png(bits, 2, 0, before=[(b"tRNS", b"\0\x01")]))
    color = struct.pack(">HHH", *(int(v) for v in rgb[12, 20]))
    write_decode("rgb-transparent.png", png(rgb, 8, 2, before=[(b"tRNS", color)]))
    entries = [(b"PLTE", picture(16, 2)[0].tobytes()), (b"tRNS", b"\0\x80\xff")]
    write_decode("palette-transparent.png", png((x + y)[..., None] % 16, 4, 3, before=entries))
    write_decode("gamma.png", png(rgb, 8, 2, before=[(b"gAMA", struct.pack(">L", 100000))]))
    write_decode("one-pixel.png", png(rgb[:1, :1], 8, 2))
    write_decode("orientation-before.png", png(rgb, 8, 2, before=[(b"eXIf", exif(">", 6))]))
    write_decode("orientation-after.png", png(rgb, 8, 2, after=[(b"eXIf", exif("<", 5))]))


RESIZES = [
    # Larger, smaller, one axis only, unchanged.
    ((5, 4), (33, 29)),
    ((33, 29), (5, 4)),
    ((31, 17), (31, 40)),
    ((31, 17), (50, 17)),
    ((31, 17), (16, 17)),
    ((31, 17), (31, 8)),
    ((31, 17), (31, 17)),
    # Larger on one axis, smaller on the other; sizes one apart.
    ((40, 9), (13, 31)),
    ((9, 40), (31, 13)),
    ((32, 32), (33, 31)),
    # One pixel, one row, one column.
    ((1, 1), (5, 7)),
    ((1, 40), (3, 17)),
    ((40, 1), (17, 3)),
    ((23, 19), (1, 1)),
    ((23, 19), (1, 30)),
    ((23, 19), (30, 1)),
    # Strong reductions.
    ((1000, 700), (9, 7)),
    ((4000, 3), (11, 2)),
    ((3, 4000), (2, 11)),
    ((16384, 1), (2, 1)),
    ((1, 16384), (1, 1)),
]

PREPROCESSES = [
    ((40, 30), 20, 16),
    ((30, 40), 20, 15),
    ((30, 30), 17, 12),
    ((61, 47), 47, 24),
    ((300, 200), 32, 28),
    ((200, 301), 27, 22),
    ((25, 21), 33, 30),
    # Smaller than the crop on one axis or on both.
    ((40, 30), 15, 20),
    ((30, 41), 13, 16),
    ((30, 30), 9, 14),
    ((20, 20), 20, 23),
    # Beyond any picture: the long side becomes 16000 pixels.
    ((2000, 1), 8, 8),
    ((1, 2000), 8, 7),
]


def resize(image, width, height):
    """Horizontally, then vertically, as Pillow did it always before 13 and does it mostly since."""
    image = image.resize((width, image.height), Image.BILINEAR)
    return image.resize((width, height), Image.BILINEAR)


def torchvision_preset(image, size, crop):
    width, height = image.size
    if width <= height:
        width, height = size, int(size * height / width)
    else:
        width, height = int(size * width / height), size
    image = resize(image, width, height)
    left, top = max((crop - width) // 2, 0), max((crop - height) // 2, 0)
    right, bottom = max((crop - width + 1) // 2, 0), max((crop - height + 1) // 2, 0)
    image = ImageOps.expand(image, (left, top, right, bottom), 0)
    x = int(round((image.width - crop) / 2.0))
    y = int(round((image.height - crop) / 2.0))
    return np.asarray(image.crop((x, y, x + crop, y + crop)))


def main():
    for folder in ("decode", "resize", "preprocess"):
        os.makedirs(folder, exist_ok=True)
    make_jpegs()
    make_damaged_jpegs()
    make_pngs()
    for source, target in RESIZES:
        image = resize(Image.fromarray(noise(*source)), *target)
        name = "%dx%d-%dx%d.ppm" % (*source, *target)
        write_ppm(os.path.join("resize", name), np.asarray(image))
    for source, size, crop in PREPROCESSES:
        pixels = torchvision_preset(Image.fromarray(noise(*source)), size, crop)
        name = "%dx%d-%d-%d.ppm" % (*source, size, crop)
        write_ppm(os.path.join("preprocess", name), pixels)


if __name__ == "__main__":
    main()
