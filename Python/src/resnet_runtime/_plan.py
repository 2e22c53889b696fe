# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from ctypes import byref, sizeof
from dataclasses import dataclass

from ._errors import ArgumentError, ResNetError
from ._library import Handle, Options, OutputInfo, PlanInfo, check, library, natural, text


@dataclass(frozen=True)
class Preprocessing:
    """How a photo becomes the network's image, which `Session.classify` and `Session.run_photo` do."""

    fit: str
    """How it is resized before the centre is cut out: "crop" as small as covers `resize`, "squash" to exactly
    that, or "letterbox" as large as it has room for, between black borders."""
    resize: tuple[int, int]
    """Height and width, in pixels."""
    interpolation: str
    """Pillow's filter: "bilinear", "bicubic", "nearest", "lanczos" or "box"."""
    is_grey: bool
    """Whether R, G and B all become Pillow's grey."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """A byte b of R, G or B stands for (b / 255 - mean) / std; the network does this itself."""


@dataclass(frozen=True)
class Output:
    """An output of a plan, which `Session.output` reads."""

    name: str
    shape: tuple[int, int, int]
    """Channels, height and width; of a vector, such as logits, both are 1."""
    dtype: str
    """What a session has it in: "float32", or "uint8" with `scale` and `zero_point`."""
    scale: float
    zero_point: int
    """Of uint8 a value is scale * (byte - zero_point)."""


class Plan:
    """A network in the form that sessions run. Any number of sessions and threads may share it.

    A path is mapped: its weights are read when they are needed, and all processes share them. Replace such a file
    by renaming another over it; one that becomes shorter ends the process (SIGBUS). `load=True` copies it
    instead. Bytes are copied always.

    What a plan tells remains after `close`, and its sessions live on.
    """

    def __init__(self, source: str | os.PathLike[str] | bytes | bytearray | memoryview, *, load: bool = False) -> None:
        if isinstance(source, (bytes, bytearray, memoryview)):
            content = bytes(source)
            self._handle: Handle | None = Handle(
                library.resnet_plan_open_memory, library.resnet_plan_close, content, len(content), 1)
        else:
            try:
                self._handle = Handle(
                    library.resnet_plan_open, library.resnet_plan_close, text(os.fspath(source), "a path"), int(load))
            except ResNetError as error:
                raise type(error)(f"{os.fspath(source)}: {error}") from None
        info = PlanInfo(size=sizeof(PlanInfo))
        check(library.resnet_plan_get_info(self._handle.pointer, byref(info)))
        self.input_shape: tuple[int, int, int] = (info.input_height, info.input_width, 3)
        """Height, width and 3: the shape of the images that `Session.run` takes."""
        self.class_count: int = info.class_count
        """How many logits there are; 0 of a plan without a classifier."""
        self.feature_count: int = info.feature_count
        """How many pooled features there are."""
        self.byte_count: int = info.byte_count
        """Bytes of the plan."""
        self.summary: str = info.summary.decode(errors="replace")
        """A line about the network."""
        lines = info.provenance.decode(errors="replace").splitlines()
        self.provenance: dict[str, str] = {key: value for key, _, value in (line.partition(": ") for line in lines)}
        """Where the plan comes from."""
        self.preprocessing = Preprocessing(
            ("crop", "squash", "letterbox")[info.fit], (info.resize_height, info.resize_width),
            ("bilinear", "bicubic", "nearest", "lanczos", "box")[info.interpolation], bool(info.is_grey),
            tuple(info.mean), tuple(info.std))
        """How a photo becomes the network's image."""
        self.outputs: dict[str, Output] = {}
        """What a run gives out, by name."""
        for index in range(info.output_count):
            found = OutputInfo(size=sizeof(OutputInfo))
            check(library.resnet_plan_get_output_info(self._handle.pointer, index, byref(found)))
            name = found.name.decode(errors="replace")
            self.outputs[name] = Output(
                name, (found.channels, found.height, found.width), "uint8" if found.is_uint8 else "float32",
                found.scale, found.zero_point)
        names = [library.resnet_plan_class_name(self._handle.pointer, index) for index in range(self.class_count)]
        self.class_names: list[str] = [
            f"class {index}" if name is None else name.decode(errors="replace") for index, name in enumerate(names)]
        """The names of the classes; "class 0" and so on if the plan has none."""

    def memory(
        self, *, threads: int | None = None, tuning: str | None = None, memory_limit: int | None = None,
        batch: int | None = None) -> int:
        """How many bytes a session needs beside the plan; with a tuning, how many at most."""
        size = ctypes.c_size_t()
        options = make_options(threads, None, memory_limit, tuning, None, None, batch)
        check(library.resnet_plan_get_memory(self._open().pointer, byref(options), byref(size)))
        return size.value

    def _open(self) -> Handle:
        if self._handle is None:
            raise ArgumentError("expected an open plan, found a closed one")
        return self._handle

    def close(self) -> None:
        """Gives the plan back, once its last session ends."""
        self._handle = None

    def __enter__(self) -> Plan:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<resnet_runtime.Plan {self.summary}>"


def make_options(
    threads: int | None, cpus: str | Iterable[int] | None, memory_limit: int | None, tuning: str | None,
    instruction_set: str | None, max_image_pixels: int | None, batch: int | None) -> Options:
    options = Options(size=sizeof(Options))
    if threads is not None:
        options.threads = natural(threads, "threads", most=64)
    if cpus is not None:
        options.cpus = text(cpus if isinstance(cpus, str) else ",".join(map(str, cpus)), "CPUs")
    if memory_limit is not None:
        options.memory_limit = natural(memory_limit, "a memory limit")
    if tuning == "measured":
        options.tuning = 1
    elif tuning is not None:
        recorded = tuning.encode()
        options.tuning, options.tuning_text, options.tuning_size = 2, recorded, len(recorded)
    if instruction_set is not None:
        options.instruction_set = text(instruction_set, "an instruction set")
    if max_image_pixels is not None:
        options.max_image_pixels = natural(max_image_pixels, "max_image_pixels")
    if batch is not None:
        options.batch = natural(batch, "a batch", most=64)
    return options
