# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Sequence
from ctypes import byref, sizeof
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._errors import ArgumentError, SessionError
from ._library import Frame, Handle, SessionInfo, check, library, natural
from ._plan import Output, Plan, make_options

if TYPE_CHECKING:
    import PIL.Image

    Photo = str | os.PathLike[str] | bytes | bytearray | memoryview | PIL.Image.Image | npt.ArrayLike

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Guess:
    """A class that an image may show."""

    label: str
    probability: float
    index: int


class Session:
    """A plan that is ready to run, with its memory and threads.

    source: a `Plan`, or what a `Plan` is made of. Sessions of one plan share its weights.
    threads: 1 to 64, the calling one included; None for one for each of `cpus`, or else for each fast core. The
        results do not depend on it.
    cpus: the CPU that each thread is bound to, such as "4-7" or [0, 2]. The calling thread, which is the first, is
        bound by nobody but its program.
    memory_limit: bytes that plan and session may take together.
    tuning: how an int8 plan chooses its convolutions, which changes speed and memory and no result: None for the
        least memory and the shortest start, "measured" to time each form here, which takes as long as some ten runs,
        or the `tuning` of an earlier session with the same plan, CPU and threads.
    instruction_set: the highest level to use, such as "avx2".
    max_image_pixels: encoded images of more pixels are refused.
    batch: how many images `run` computes at a time, 1 to 64. If there are at least as many as threads, each thread
        computes whole images, which takes less time than all computing one image after the other; the results do not
        depend on it.

    A session is used by one thread at a time, others get `BusyError`; give each thread a session. The GIL is
    released while it runs. In a forked child it works only if it has one thread.
    """

    def __init__(
        self, source: Plan | str | os.PathLike[str] | bytes | bytearray | memoryview, *, threads: int | None = None,
        cpus: str | Iterable[int] | None = None, memory_limit: int | None = None, tuning: str | None = None,
        instruction_set: str | None = None, max_image_pixels: int | None = None, batch: int = 1) -> None:
        self.plan = source if isinstance(source, Plan) else Plan(source)
        options = make_options(threads, cpus, memory_limit, tuning, instruction_set, max_image_pixels, batch)
        self._handle: Handle | None = Handle(
            library.resnet_session_create, library.resnet_session_destroy, self.plan._open().pointer, byref(options))
        info = SessionInfo(size=sizeof(SessionInfo))
        check(library.resnet_session_get_info(self._handle.pointer, byref(info)))
        self.threads: int = info.threads
        """Threads, the calling one included."""
        self.instruction_set: str = info.instruction_set.decode()
        """The highest level in use, such as "avx512vnni"."""
        self.byte_count: int = info.byte_count
        """Bytes of the session's memory beside the plan."""
        self.batch = batch
        """How many images `run` computes at a time."""
        self._process = os.getpid()
        self._views: dict[tuple[str, int], Floats] = {}
        # The image of the last run whose outputs are read.
        self._selected = 0
        # The last image of `run` and, if it came twice, its memory, which may not move before it is let go.
        self._image: npt.NDArray[np.uint8] | None = None
        self._pixels: ctypes.Array[ctypes.c_uint8] | None = None

    def run(self, images: npt.ArrayLike | Sequence[npt.ArrayLike], output: str = "logits") -> Floats:
        """Runs the network on one image, or on several, `batch` at a time.

        images: uint8 of the shape `plan.input_shape`: height, width, and R, G, B; rows may lie apart. Or a list of
            such images, or an array with a dimension more.
        output: "logits", "probabilities", "features" or another of `plan.outputs`.
        Returns `output` of one image, of the three as a view, as `logits` does, or else as `output` does; of several
        images in a new array, a row for each.

        The last image is kept until the next run, so that a buffer that comes again takes the least time.
        """
        # A camera's buffer comes thousands of times, and a run leaves nothing of Python in the caches: few steps.
        if self._pixels is not None and images is self._image and self._image.shape == self.plan.input_shape:
            handle = self._running()
            if status := library.resnet_session_run_rgb8(handle.pointer, self._pixels, len(self._pixels), 0):
                check(status)
            self._selected = 0
            return self._output(handle, output)
        if isinstance(images, (list, tuple)) or getattr(images, "ndim", 3) == 4:
            return self._run_several(images, output)  # type: ignore[arg-type]
        image = self._checked(images)
        rows, stride = _rows(image)
        handle = self._running()
        check(library.resnet_session_run_rgb8(
            handle.pointer, rows.__array_interface__["data"][0], stride * rows.shape[0], stride))
        self._selected = 0
        is_given = image is images
        if images is not self._image:
            self._image, self._pixels = image if is_given else None, None
        elif rows.flags.c_contiguous and rows.flags.writeable:
            self._pixels = (ctypes.c_uint8 * rows.nbytes).from_buffer(rows)  # type: ignore[arg-type]
        return self._output(handle, output)

    def _run_several(self, images: Sequence[npt.ArrayLike] | npt.NDArray[Any], output: str) -> Floats:
        results = np.empty((len(images), *self._shape(output)), np.float32)
        for start in range(0, len(images), self.batch):
            rows = results[start:start + self.batch]
            if self.batch == 1:
                rows[0] = self.run(images[start], output)
                continue
            part = images[start:start + self.batch]
            pixels = np.ascontiguousarray(
                part if isinstance(part, np.ndarray) else [self._checked(image) for image in part])
            self._checked(pixels[0])
            handle = self._running()
            check(library.resnet_session_run_batch(
                handle.pointer, pixels.__array_interface__["data"][0], pixels.nbytes, len(pixels)))
            self._selected = 0
            self._image = self._pixels = None
            for index, row in enumerate(rows):
                check(library.resnet_session_select_image(handle.pointer, index))
                self._selected = index
                row[...] = self._output(handle, output)
        return results

    def _checked(self, image: object) -> npt.NDArray[Any]:
        """An image of the network's size."""
        found = np.asarray(image)
        if found.shape != self.plan.input_shape or found.dtype != np.uint8:
            raise ArgumentError(
                f"expected an image of uint8 and shape {self.plan.input_shape}, found {found.dtype} and "
                f"{found.shape}; run_photo and classify take other sizes")
        return found

    def run_photo(self, photo: Photo, output: str = "logits") -> Floats:
        """Turns a photo into the network's image as the plan says, and runs the network.

        photo: the path or the bytes of a JPEG or PNG file, which is turned upright as its EXIF data say; an image
            of Pillow; or an array of uint8 of any size, height × width × 3 for R, G, B or height × width for grey.
        Returns `output` as `run` does.
        """
        handle = self._running()
        if isinstance(photo, (str, os.PathLike)):
            with open(photo, "rb") as file:
                photo = file.read()
        if isinstance(photo, (bytes, bytearray, memoryview)):
            content = bytes(photo)
            check(library.resnet_session_run_encoded(handle.pointer, content, len(content)))
            self._selected = 0
            return self._output(handle, output)
        pillow = sys.modules.get("PIL.Image")
        if pillow and isinstance(photo, pillow.Image):
            from PIL import ImageOps
            photo = ImageOps.exif_transpose(photo).convert("RGB")
        pixels = np.asarray(photo)
        if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)):
            raise ArgumentError(
                "expected a path, bytes, an image of Pillow or an array of uint8, height × width × 3 or height × "
                f"width, found {type(photo).__name__} of {pixels.dtype} and shape {pixels.shape}")
        pixels, stride = _rows(pixels)
        frame = Frame(
            size=sizeof(Frame), format=b"rgb24" if pixels.ndim == 3 else b"gray8",
            width=natural(pixels.shape[1], "a width", most=2**32 - 1),
            height=natural(pixels.shape[0], "a height", most=2**32 - 1), stride=stride,
            data=pixels.__array_interface__["data"][0], data_size=stride * pixels.shape[0])
        check(library.resnet_session_run_frame(handle.pointer, byref(frame)))
        self._selected = 0
        return self._output(handle, output)

    def classify(self, photo: Photo, top: int = 5) -> list[Guess]:
        """Tells what a photo shows: the `top` most probable classes, the most probable one first. `run_photo` tells
        what a photo may be."""
        self.run_photo(photo)
        return self.top(top)

    def top(self, count: int = 5) -> list[Guess]:
        """The most probable classes of the last run, the most probable one first."""
        room = min(natural(count, "a count"), self.plan.class_count)
        indices, probabilities, found = (ctypes.c_size_t * room)(), (ctypes.c_float * room)(), ctypes.c_size_t()
        check(library.resnet_session_get_top(
            self._open().pointer, room, indices, probabilities, byref(found)))
        names = self.plan.class_names
        return [Guess(names[i], p, i) for i, p in zip(indices[:found.value], probabilities[:found.value])]

    @property
    def unknown(self) -> bool:
        """Whether the image of the last run shows none of the classes; only plans of `teach(…, reject=…)` can tell."""
        found = ctypes.c_uint32()
        check(library.resnet_session_get_unknown(self._open().pointer, byref(found)))
        return bool(found.value)

    @property
    def logits(self) -> Floats:
        """The logits of the last run, or of its last image, one for each class. A view that cannot be written to: the
        next run overwrites it, so copy what should stay. It keeps the memory of the session alive."""
        return self._output(self._open(), "logits")

    @property
    def probabilities(self) -> Floats:
        """The softmax of the logits or, of a single one, its sigmoid; a view like `logits`."""
        return self._output(self._open(), "probabilities")

    @property
    def features(self) -> Floats:
        """The pooled vector before the classifier; a view like `logits`."""
        return self._output(self._open(), "features")

    def output(self, name: str, *, layout: str = "nchw", raw: bool = False) -> npt.NDArray[Any]:
        """An output of the last run in a new array, float32 of channels × height × width or, with the layout "nhwc",
        height × width × channels.

        raw: the bytes of an output of which `plan.outputs` says uint8.
        """
        if layout not in ("nchw", "nhwc"):
            raise ArgumentError(f'expected the layout "nchw" or "nhwc", found {layout!r}')
        handle, shape = self._open(), self._found(name).shape
        result = np.empty(shape if layout == "nchw" else shape[1:] + shape[:1], np.uint8 if raw else np.float32)
        read = library.resnet_session_read_output_bytes if raw else library.resnet_session_read_output
        check(read(
            handle.pointer, name.encode(), int(layout == "nhwc"), result.__array_interface__["data"][0], result.size))
        return result

    @property
    def tuning(self) -> str:
        """The forms that the session uses, for the `tuning` of the next one."""
        handle, size = self._open(), ctypes.c_size_t()
        check(library.resnet_session_get_tuning(handle.pointer, None, 0, byref(size)))
        room = ctypes.create_string_buffer(max(size.value, 1))
        check(library.resnet_session_get_tuning(handle.pointer, room, size.value, byref(size)))
        return room.raw[:size.value].decode()

    def close(self) -> None:
        """Ends the session, once the last view of its outputs is gone."""
        self._views.clear()
        self._image = self._pixels = None
        self._handle = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._handle is None else f"{self.threads} threads, {self.instruction_set}"
        return f"<resnet_runtime.Session {self.plan.summary}; {state}>"

    def _open(self) -> Handle:
        if self._handle is None:
            raise ArgumentError("expected an open session, found a closed one")
        return self._handle

    def _running(self) -> Handle:
        handle = self._open()
        if self.threads > 1 and os.getpid() != self._process:
            raise SessionError(
                "expected the process that made the session, found a child that was forked: make sessions in it")
        return handle

    def _found(self, name: str) -> Output:
        if name not in self.plan.outputs:
            raise ArgumentError(f"expected one of the outputs {', '.join(self.plan.outputs)}, found {name!r}")
        return self.plan.outputs[name]

    def _shape(self, output: str) -> tuple[int, ...]:
        if output == "features" and self.plan.feature_count:
            return (self.plan.feature_count,)
        if output in ("logits", "probabilities"):
            return (self.plan.class_count,)
        return self._found(output).shape

    def _output(self, handle: Handle, name: str) -> Floats:
        place = (name, self._selected)
        if place in self._views and name != "probabilities":
            return self._views[place]
        if name not in ("logits", "probabilities") and (name != "features" or not self.plan.feature_count):
            return self.output(name)
        address, count = ctypes.c_void_p(), ctypes.c_size_t()
        check(library.resnet_session_get_output(handle.pointer, name.encode(), byref(address), byref(count)))
        if place not in self._views:
            memory: Any = (ctypes.c_float * count.value).from_address(address.value)  # type: ignore[arg-type]
            # The view's base, so that the memory lives as long as the view.
            memory.handle = handle
            view = np.frombuffer(memory, np.float32)
            view.flags.writeable = False
            self._views[place] = view
        return self._views[place]


def _rows(image: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], int]:
    """An image whose pixels lie side by side, and the bytes from row to row."""
    row = image.nbytes // max(image.shape[0], 1)
    if image.strides[1:] != ((3, 1) if image.ndim == 3 else (1,)) or image.strides[0] < row:
        image = np.ascontiguousarray(image)
        return image, row
    return image, image.strides[0]
