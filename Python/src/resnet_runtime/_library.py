# SPDX-License-Identifier: Apache-2.0
"""libresnet-runtime.so.0 as resnet_runtime.h declares it. ctypes releases the GIL during its calls."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from ctypes import POINTER, c_char_p, c_double, c_float, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path

from ._errors import BY_STATUS, ArgumentError


class PlanInfo(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t), ("input_height", c_uint32), ("input_width", c_uint32), ("class_count", c_uint32),
        ("feature_count", c_uint32), ("byte_count", c_uint64), ("summary", c_char_p), ("provenance", c_char_p),
        ("fit", c_uint32), ("resize_height", c_uint32), ("resize_width", c_uint32), ("interpolation", c_uint32),
        ("is_grey", c_uint32), ("mean", c_float * 3), ("std", c_float * 3), ("output_count", c_uint32)]


class OutputInfo(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t), ("name", c_char_p), ("channels", c_uint32), ("height", c_uint32), ("width", c_uint32),
        ("is_uint8", c_uint32), ("scale", c_float), ("zero_point", c_uint32)]


class Options(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t), ("threads", c_uint32), ("tuning", c_uint32), ("tuning_text", c_char_p),
        ("tuning_size", c_size_t), ("cpus", c_char_p), ("instruction_set", c_char_p), ("memory_limit", c_uint64),
        ("arena", c_void_p), ("arena_size", c_size_t), ("max_image_pixels", c_uint64), ("batch", c_uint32)]


class Teaching(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t), ("features", c_void_p), ("labels", c_void_p), ("photo_count", c_size_t),
        ("class_names", POINTER(c_char_p)), ("class_count", c_size_t), ("reject", c_double), ("named", c_void_p)]


class TeachingResult(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t), ("right", c_uint32), ("folds", c_uint32), ("top1_low", c_double), ("top1_high", c_double),
        ("loss", c_double), ("strength", c_double), ("temperature", c_double), ("false_rejects", c_double),
        ("caught", c_double)]


class SessionInfo(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("threads", c_uint32), ("instruction_set", c_char_p), ("byte_count", c_uint64)]


class Frame(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t), ("format", c_char_p), ("width", c_uint32), ("height", c_uint32), ("stride", c_size_t),
        ("chroma_stride", c_size_t), ("matrix", c_char_p), ("range", c_char_p), ("data", c_void_p),
        ("data_size", c_size_t)]


def _load() -> ctypes.CDLL:
    # A wheel has the library inside; what is built of the sdist uses that of the Debian package.
    bundled = Path(__file__).parent / "lib" / "libresnet-runtime.so.0"
    library = ctypes.CDLL(str(bundled) if bundled.exists() else "libresnet-runtime.so.0")
    size = POINTER(c_size_t)
    for name, result, arguments in [
        ("resnet_error_text", c_char_p, []),
        ("resnet_version", c_char_p, []),
        ("resnet_plan_open", c_int, [c_char_p, c_uint32, POINTER(c_void_p)]),
        ("resnet_plan_open_memory", c_int, [c_void_p, c_size_t, c_uint32, POINTER(c_void_p)]),
        ("resnet_plan_close", c_int, [c_void_p]),
        ("resnet_plan_get_info", c_int, [c_void_p, POINTER(PlanInfo)]),
        ("resnet_plan_class_name", c_char_p, [c_void_p, c_size_t]),
        ("resnet_plan_get_output_info", c_int, [c_void_p, c_size_t, POINTER(OutputInfo)]),
        ("resnet_plan_get_memory", c_int, [c_void_p, POINTER(Options), size]),
        ("resnet_plan_get_teaching_memory", c_int, [c_void_p, POINTER(Teaching), size]),
        ("resnet_plan_teach", c_int, [c_void_p, POINTER(Teaching), c_char_p, POINTER(TeachingResult)]),
        ("resnet_session_create", c_int, [c_void_p, POINTER(Options), POINTER(c_void_p)]),
        ("resnet_session_destroy", c_int, [c_void_p]),
        ("resnet_session_get_info", c_int, [c_void_p, POINTER(SessionInfo)]),
        ("resnet_session_get_tuning", c_int, [c_void_p, c_char_p, c_size_t, size]),
        ("resnet_session_run_rgb8", c_int, [c_void_p, c_void_p, c_size_t, c_size_t]),
        ("resnet_session_run_batch", c_int, [c_void_p, c_void_p, c_size_t, c_size_t]),
        ("resnet_session_select_image", c_int, [c_void_p, c_size_t]),
        ("resnet_session_run_frame", c_int, [c_void_p, POINTER(Frame)]),
        ("resnet_session_run_encoded", c_int, [c_void_p, c_void_p, c_size_t]),
        ("resnet_session_get_output", c_int, [c_void_p, c_char_p, POINTER(c_void_p), size]),
        ("resnet_session_read_output", c_int, [c_void_p, c_char_p, c_int, c_void_p, c_size_t]),
        ("resnet_session_read_output_bytes", c_int, [c_void_p, c_char_p, c_int, c_void_p, c_size_t]),
        ("resnet_session_get_top", c_int, [c_void_p, c_size_t, size, POINTER(c_float), size]),
        ("resnet_session_get_unknown", c_int, [c_void_p, POINTER(c_uint32)]),
    ]:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


library = _load()


def version() -> str:
    text: bytes = library.resnet_version()
    return text.decode()


def check(status: int) -> None:
    """Raises the error that a status stands for."""
    if status:
        raise BY_STATUS[status](library.resnet_error_text().decode(errors="replace"))


class Handle:
    """A plan or session of the library, given back when nothing refers to it any more."""

    def __init__(self, create: Callable[..., int], destroy: Callable[[int | None], int], *arguments: object) -> None:
        self.pointer: int | None = None
        self._destroy, self._process = destroy, os.getpid()
        place = c_void_p()
        check(create(*arguments, ctypes.byref(place)))
        self.pointer = place.value

    def __del__(self, getpid: Callable[[], int] = os.getpid) -> None:
        # The threads of a session do not exist in a forked child, which would wait for them.
        if self.pointer and getpid() == self._process:
            self._destroy(self.pointer)


def natural(value: int, name: str, least: int = 1, most: int = 2**63 - 1) -> int:
    """A number that C takes as it is; ctypes would cut it."""
    if not least <= value <= most:
        raise ArgumentError(f"expected {name} of {least} to {most}, found {value}")
    return value


def text(value: str | bytes, name: str) -> bytes:
    """A text for C, which ends at the first zero byte."""
    encoded = os.fsencode(value)
    if b"\0" in encoded:
        raise ArgumentError(f"expected {name} without zero bytes, found {value!r}")
    return encoded
