# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import base64
import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from kserve import InferInput, InferOutput, InferRequest, InferResponse, Model
from kserve.errors import InvalidInput, ServerNotReady
from kserve.utils.utils import generate_uuid
from prometheus_client import Counter, Gauge

from .._errors import ArgumentError, ImageError
from .._plan import Plan
from .._session import Session

Photo = memoryview | bytes | npt.NDArray[np.uint8]

IMAGES = Counter("resnet_images", "Images that were classified", ["model_name"])
IN_FLIGHT = Gauge("resnet_images_in_flight", "Images that are waiting or being classified", ["model_name"])


class Overload(ServerNotReady):  # type: ignore[misc]
    """The queue is full: 503, or UNAVAILABLE."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        # KServe's REST server reads the one, its gRPC server the other.
        self.error_msg = self.reason = reason


class Classifier(Model):  # type: ignore[misc]
    """A plan as a model of KServe, with a session for each image that is classified at the same time.

    name: what requests call the model.
    plan: as for `Session`. It is opened once.
    sessions: how many; None for one for each CPU that the process may use.
    threads: of each session. More of them shorten the wait for one image and lower the images per second.
    queue: images that may wait. A request that finds so many waiting gets `Overload`.
    max_batch: images of one request.
    tuning, max_image_pixels: as for `Session`. A server runs long enough for "measured" to pay.

    A request has one input: `image`, BYTES of the shape [N], with JPEG and PNG files as they are; or `pixels`, UINT8
    of the shape [N, height, width, 3] or [height, width, 3]. Pixels of the network's size are run as they are, others
    are resized and cropped as the plan says.
    """

    def __init__(
        self, name: str, plan: Plan | str | os.PathLike[str] | bytes, *, sessions: int | None = None, threads: int = 1,
        queue: int = 64, max_batch: int = 128, tuning: str | None = "measured",
        max_image_pixels: int | None = None) -> None:
        super().__init__(name)
        self.plan = plan if isinstance(plan, Plan) else Plan(plan)
        self.max_batch, self.queue = max_batch, queue
        self.sessions: list[Session] = []
        for _ in range(_allowed_cpus() if sessions is None else sessions):
            self.sessions.append(
                Session(self.plan, threads=threads, tuning=tuning, max_image_pixels=max_image_pixels))
            # Measured once.
            tuning = self.sessions[0].tuning if tuning == "measured" else tuning
        if not self.sessions:
            raise ArgumentError("expected at least one session, found 0")
        self._idle = list(self.sessions)
        self._workers = ThreadPoolExecutor(len(self.sessions), "session")
        self._in_flight = 0
        IN_FLIGHT.labels(name).set_function(lambda: self._in_flight)
        counts = {"logits": self.plan.class_count, "features": self.plan.feature_count}
        self._types: dict[str, tuple[str, list[int]]] = {
            "label": ("BYTES", [-1]), "index": ("INT64", [-1]), "probability": ("FP32", [-1]),
            **{output: ("FP32", [-1, count]) for output, count in counts.items()}}
        self.ready = True

    def get_input_types(self) -> list[dict[str, Any]]:
        return [
            {"name": "image", "datatype": "BYTES", "shape": [-1]},
            {"name": "pixels", "datatype": "UINT8", "shape": [-1, -1, -1, 3]}]

    def get_output_types(self) -> list[dict[str, Any]]:
        return [{"name": name, "datatype": kind, "shape": shape} for name, (kind, shape) in self._types.items()]

    async def predict(
        self, payload: InferRequest, headers: Mapping[str, str] | None = None,
        response_headers: dict[str, str] | None = None) -> InferResponse:
        """Classifies the images of a request. Raises `InvalidInput` or `Overload`."""
        if not isinstance(payload, InferRequest):
            raise InvalidInput("expected a request of the Open Inference Protocol v2, found one of the version 1")
        wanted = self._wanted(payload)
        photos = _photos(payload, self.max_batch)
        # Values of JSON take far more memory than the images; they need not wait with them.
        payload.inputs = []
        if self._in_flight >= len(self.sessions) + self.queue:
            raise Overload(f"expected fewer than {self.queue} images waiting, found the queue full: try again later")
        self._in_flight += len(photos)
        loop = asyncio.get_running_loop()
        work = asyncio.gather(
            *(loop.run_in_executor(self._workers, self._run, photo, wanted) for photo in photos),
            return_exceptions=True)
        work.add_done_callback(lambda _: self._left(len(photos)))
        # A client that leaves takes nothing out of the queue, so that the count of what is in it stays right.
        rows = await asyncio.shield(work)
        for number, row in enumerate(rows):
            if isinstance(row, (ArgumentError, ImageError)):
                raise InvalidInput(f"image {number}: {row}")
            if isinstance(row, BaseException):
                raise row
        IMAGES.labels(self.name).inc(len(rows))
        outputs = []
        for name, column in zip(wanted, zip(*rows)):
            kind = self._types[name][0]
            values: npt.NDArray[Any] = np.array(column, {"BYTES": object, "INT64": np.int64, "FP32": np.float32}[kind])
            output = InferOutput(name, list(values.shape), kind, values)
            if payload.from_grpc:
                # KServe does not take arrays here.
                output.set_data_from_numpy(values)
            outputs.append(output)
        return InferResponse(
            payload.id or generate_uuid(), self.name, outputs, use_binary_outputs=payload.use_binary_outputs,
            requested_outputs=payload.request_outputs)

    def stop(self) -> None:
        super().stop()
        self._workers.shutdown()

    def _left(self, count: int) -> None:
        self._in_flight -= count

    def _run(self, photo: Photo, wanted: Sequence[str]) -> list[Any]:
        """The outputs of one image. There are as many sessions as threads that come here."""
        session = self._idle.pop()
        try:
            if isinstance(photo, np.ndarray) and photo.shape == self.plan.input_shape:
                session.run(photo)
            else:
                session.run_photo(photo)
            best = session.top(1)[0]
            return [
                getattr(session, name).copy() if name in ("logits", "features") else getattr(best, name)
                for name in wanted]
        finally:
            self._idle.append(session)

    def _wanted(self, request: InferRequest) -> list[str]:
        if not request.request_outputs:
            return list(self._types)
        names = [output.name for output in request.request_outputs]
        for name in names:
            if name not in self._types:
                raise InvalidInput(f"expected the outputs {', '.join(self._types)}, found {name!r:.80}")
        if len(set(names)) < len(names):
            raise InvalidInput("expected each output once, found one of them twice")
        return names


def _photos(request: InferRequest, most: int) -> Sequence[Photo]:
    """The images of a request, checked for all that can be told without decoding them."""
    names = [f"{tensor.name} of {tensor.datatype}"[:80] for tensor in request.inputs[:3]]
    if names not in (["image of BYTES"], ["pixels of UINT8"]):
        raise InvalidInput(
            f"expected one input, image of BYTES or pixels of UINT8, found {', '.join(names) or 'none'}")
    tensor = request.inputs[0]
    shape = tensor.shape
    if not all(type(side) is int and side >= 0 for side in shape):
        raise InvalidInput(f"expected a shape of numbers from 0 up, found {shape!r:.80}")
    if tensor.datatype == "BYTES":
        if len(shape) != 1:
            raise InvalidInput(f"expected image of the shape [N], found {shape!r:.80}")
        count = shape[0]
    else:
        if len(shape) not in (3, 4) or shape[-1] != 3:
            raise InvalidInput(
                f"expected pixels of the shape [N, height, width, 3] or [height, width, 3], found {shape!r:.80}")
        count = shape[0] if len(shape) == 4 else 1
    if not 1 <= count <= most:
        raise InvalidInput(f"expected 1 to {most} images in a request, found {count}")
    return _encoded(tensor, count) if tensor.datatype == "BYTES" else _arrays(tensor, shape)


def _encoded(tensor: InferInput, count: int) -> Sequence[Photo]:
    raw = tensor._raw_data
    if raw is None:
        if len(tensor.data) != count:
            raise InvalidInput(f"expected {count} images, as the shape says, found {len(tensor.data)}")
        return [_base64(photo) for photo in tensor.data]
    content, photos, place = memoryview(raw), [], 0
    for _ in range(count):
        size = int.from_bytes(content[place:place + 4], "little")
        photos.append(content[place + 4:place + 4 + size])
        place += 4 + size
    if place != len(content):
        raise InvalidInput(
            f"expected {count} images, each after its size in 4 bytes, found {len(content)} bytes of data where these "
            f"sizes make {place}")
    return photos


def _base64(photo: object) -> bytes:
    # JSON has no bytes, gRPC has.
    if isinstance(photo, bytes):
        return photo
    try:
        if isinstance(photo, str):
            return base64.b64decode(photo, validate=True)
    except ValueError:
        pass
    raise InvalidInput(f"expected an image in Base64, found {photo!r:.40}")


def _arrays(tensor: InferInput, shape: list[int]) -> Sequence[Photo]:
    content = tensor._raw_data
    if content is None:
        values = tensor.data
        try:
            # Flat or nested, as the protocol allows.
            for _ in shape[1:]:
                if values and isinstance(values[0], list):
                    values = list(chain.from_iterable(values))
            content = bytes(values)
        except (TypeError, ValueError):
            raise InvalidInput("expected pixels of whole numbers from 0 to 255, found something else") from None
    if len(content) != math.prod(shape):
        raise InvalidInput(f"expected {math.prod(shape)} bytes for pixels of the shape {shape}, found {len(content)}")
    pixels = np.frombuffer(content, np.uint8).reshape(shape)
    return list(pixels) if len(shape) == 4 else [pixels]


def _allowed_cpus() -> int:
    """The CPUs that the process may use: those of its affinity, or fewer if its container has a quota."""
    count = len(os.sched_getaffinity(0))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(count, int(quota) // int(period)))
    except (OSError, ValueError):
        return count
