# SPDX-License-Identifier: Apache-2.0
"""A server around KServe's model, metadata, health and metrics.

KServe's own server turns binary tensors of REST into lists and texts, which a JPEG file is not; it reads bodies of any
size, logs a traceback for each wrong request, lets anyone unload the model, and answers some wrong requests with 500.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import gc
import logging
import re
import resource
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import fastapi
import grpc
import orjson
import uvicorn
import uvloop
from fastapi.exceptions import RequestValidationError
from google.protobuf.message import DecodeError
from kserve import InferInput, InferRequest, ModelRepository
from kserve.errors import InvalidInput, ModelNotFound, ServerNotReady
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.infer_type import RequestedOutput
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.protocol.rest.server import metrics_handler
from kserve.protocol.rest.v2_endpoints import register_v2_endpoints
from prometheus_client import Counter, Histogram
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .._errors import ResNetError
from ._model import Classifier

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

REQUESTS = Counter("resnet_requests", "Requests for inference, by HTTP status also of gRPC", ["protocol", "status"])
SECONDS = Histogram(
    "resnet_request_seconds", "Seconds from the headers of a request to its answer", ["protocol"],
    buckets=(.002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10))
REFUSED = Counter("resnet_connections_refused", "Connections of REST beyond max_connections")

INFER = re.compile("/v2/models/([^/]+)(/versions/[^/]+)?/infer")
JSON_LENGTH = b"inference-header-content-length"
# Values of JSON take up to 24 times their text as Python's objects.
MAX_JSON_BYTES = 8 << 20
MAX_HEADER_BYTES = 64 << 10
# Requests that may be in memory at a time, in units of the largest one.
MAX_BODIES = 16
# In this time a connection must get an answer, which also ends the slowest senders and readers. Longer than
# proxies keep their connections (60 s), so that it is they who close them.
CONNECTION_SECONDS = 75
LINGER_SECONDS = 2
# For each protocol, one after the other; Kubernetes waits for 30 s.
STOP_SECONDS = 10

logger = logging.getLogger(__name__)


class Refusal(Exception):
    """A request that is refused with a status of HTTP."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def told(error: Exception) -> tuple[HTTPStatus, grpc.StatusCode, str]:
    """What a client is told: the statuses of REST and gRPC, and one sentence."""
    text = str(error).replace("\n", " ")[:500]
    if isinstance(error, Refusal):
        is_busy = error.status == HTTPStatus.SERVICE_UNAVAILABLE
        return error.status, grpc.StatusCode.UNAVAILABLE if is_busy else grpc.StatusCode.INVALID_ARGUMENT, text
    if isinstance(error, InvalidInput):
        return HTTPStatus.BAD_REQUEST, grpc.StatusCode.INVALID_ARGUMENT, text
    if isinstance(error, RequestValidationError):
        return HTTPStatus.NOT_FOUND, grpc.StatusCode.NOT_FOUND, "expected a path of the protocol, found another"
    if isinstance(error, ModelNotFound):
        return HTTPStatus.NOT_FOUND, grpc.StatusCode.NOT_FOUND, error.reason[:500]
    if isinstance(error, NotImplementedError):
        return HTTPStatus.NOT_FOUND, grpc.StatusCode.NOT_FOUND, "expected a model without a version, found one"
    if isinstance(error, (ServerNotReady, MemoryError)):
        return HTTPStatus.SERVICE_UNAVAILABLE, grpc.StatusCode.UNAVAILABLE, text or "expected memory, found none left"
    return HTTPStatus.INTERNAL_SERVER_ERROR, grpc.StatusCode.INTERNAL, "an error of the server, which its log tells"


@contextmanager
def measured(protocol: str) -> Iterator[None]:
    start, status = time.perf_counter(), HTTPStatus.OK
    try:
        yield
    except Exception as error:
        status = told(error)[0]
        raise
    finally:
        REQUESTS.labels(protocol, status.value).inc()
        SECONDS.labels(protocol).observe(time.perf_counter() - start)


def log_if_ours(error: Exception) -> None:
    if told(error)[0] == HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("a request failed", exc_info=error)


def read_request(body: bytes | bytearray, json_length: int | None, model: str) -> InferRequest:
    """A request of REST: JSON, and after it the binary data of its tensors. Raises `InvalidInput`."""
    length = len(body) if json_length is None else json_length
    if not 0 <= length <= len(body):
        raise InvalidInput(f"expected JSON of {length} bytes, found a body of {len(body)}")
    if length > MAX_JSON_BYTES:
        raise Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"expected at most {MAX_JSON_BYTES} bytes of JSON, found {length}: send binary tensors")
    content = memoryview(body)
    try:
        request = orjson.loads(content[:length])
    except ValueError as error:
        raise InvalidInput(f"expected JSON, found something else: {error}") from None
    if not isinstance(request, dict):
        raise InvalidInput(f"expected an object of JSON, found {request!r:.40}")
    inputs, place = [], length
    for tensor in field(request, "inputs", list):
        parameters = field(tensor, "parameters", dict, {})
        read = InferInput(
            field(tensor, "name", str), field(tensor, "shape", list), field(tensor, "datatype", str))
        if "binary_data_size" in parameters:
            size = field(parameters, "binary_data_size", int)
            if not 0 <= size <= len(content) - place or "data" in tensor:
                raise InvalidInput(
                    f"expected binary_data_size of 0 to {len(content) - place} and no data, found {size}")
            read._raw_data = content[place:place + size]
            place += size
        else:
            read.data = field(tensor, "data", list)
        inputs.append(read)
    if place != len(content):
        raise InvalidInput(f"expected {place} bytes of JSON and tensors, found {len(content)}")
    parameters = field(request, "parameters", dict, {})
    binary = field(parameters, "binary_data_output", bool, False)
    outputs = []
    for output in field(request, "outputs", list, []):
        name, own = field(output, "name", str), field(output, "parameters", dict, {})
        outputs.append(RequestedOutput(name, {"binary_data": field(own, "binary_data", bool, binary)}))
    return InferRequest(
        model, inputs, field(request, "id", str, ""), parameters={"binary_data_output": binary},
        request_outputs=outputs)


def field(parent: object, name: str, kind: type, default: object = None) -> Any:
    """A member of an object of JSON; null stands for the default."""
    value = parent.get(name) if isinstance(parent, dict) else None
    value = default if value is None else value
    # A bool is an int for Python.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        words = {list: "list", dict: "object", str: "text", int: "whole number", bool: "true or false"}
        raise InvalidInput(f"expected {name} to be a {words[kind]}, found {value!r:.40}")
    return value


class Door:
    """The ASGI application: inference, and KServe's application for the rest. It also counts the bytes of requests,
    those of gRPC too."""

    def __init__(self, app: fastapi.FastAPI, model: Classifier, max_request_bytes: int) -> None:
        self.app, self.model, self.max_request_bytes = app, model, max_request_bytes
        self.held = 0

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        path = INFER.fullmatch(scope["path"])
        if path and scope["method"] == "POST":
            await self.infer(path, scope, receive, send)
        else:
            # Nothing else has a body, so that nothing reads one of any size.
            await self.app(scope, no_body, send)

    async def infer(self, path: re.Match[str], scope: Event, receive: Receive, send: Send) -> None:
        body = bytearray()
        headers: list[tuple[bytes, bytes]] = [(b"content-type", b"application/json")]
        status = HTTPStatus.OK
        try:
            with measured("REST"):
                if path[1] != self.model.name:
                    raise ModelNotFound(f"{path[1]!r:.80}")
                if path[2]:
                    raise NotImplementedError
                json_length = self.check(dict(scope["headers"]))
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "expected the whole body, found its end")
                    chunk, more = message.get("body", b""), message.get("more_body", False)
                    self.held += len(chunk)
                    body += chunk
                    self.check_size(len(body))
                response, _ = await self.model(read_request(body, json_length, self.model.name))
                content, written = response.to_rest()
                if written is None:
                    content = orjson.dumps(content)
                else:
                    headers = [(b"content-type", b"application/octet-stream"), (JSON_LENGTH, b"%d" % written)]
        except Exception as error:
            log_if_ours(error)
            status, _, text = told(error)
            content = orjson.dumps({"error": text})
        finally:
            self.held -= len(body)
        headers.append((b"content-length", b"%d" % len(content)))
        await send({"type": "http.response.start", "status": status.value, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def check(self, headers: dict[bytes, bytes]) -> int | None:
        """Refuses what the headers tell, and returns the length of the JSON."""
        encoding = headers.get(b"content-encoding", b"identity").decode("latin-1")
        if encoding != "identity":
            raise Refusal(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected a body without content-encoding, found {encoding!r:.40}")
        self.check_size(int(headers.get(b"content-length", b"0")))
        length = headers.get(JSON_LENGTH)
        if length is None:
            return None
        if not re.fullmatch(rb"\d{1,18}", length):
            raise InvalidInput(
                f"expected a number in Inference-Header-Content-Length, found {length.decode('latin-1')!r:.40}")
        return int(length)

    def check_size(self, size: int) -> None:
        if size > self.max_request_bytes:
            raise Refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"expected a body of at most {self.max_request_bytes} bytes, found more")
        if self.held > MAX_BODIES * self.max_request_bytes:
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"expected at most {MAX_BODIES * self.max_request_bytes} bytes of requests at a time, found more: "
                "try again later")


async def no_body() -> Event:
    return {"type": "http.request", "body": b"", "more_body": False}


class Connection(HttpToolsProtocol):  # type: ignore[misc]
    """A connection of REST. One too many gets a 503 at once; one that gets no answer for long is closed."""

    BUSY = (
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: 77\r\n"
        b"retry-after: 1\r\nconnection: close\r\n\r\n"
        b'{"error":"expected fewer connections, found all in use: try again later"}    ')

    def __init__(self, *arguments: Any, limit: int, refused: set[Connection], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.limit, self.refused = limit, refused
        # Since the last part of a body, or the end of a request.
        self.header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.deadline = self.loop.call_later(CONNECTION_SECONDS, transport.abort)
        if len(self.connections) <= self.limit:
            return
        REFUSED.inc()
        self.connections.discard(self)
        transport.write(self.BUSY)
        if len(self.refused) >= self.limit:
            transport.close()
            return
        # Closing with data unread could take the answer back.
        self.refused.add(self)
        transport.write_eof()
        self.deadline.cancel()
        self.deadline = self.loop.call_later(LINGER_SECONDS, transport.abort)

    def connection_lost(self, error: Exception | None) -> None:
        self.refused.discard(self)
        self.deadline.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self in self.refused:
            return
        self.header_bytes += len(data)
        super().data_received(data)
        if self.header_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
            self.send_400_response(f"expected headers of at most {MAX_HEADER_BYTES} bytes, found more")

    def on_body(self, body: bytes) -> None:
        self.header_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.header_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.deadline.cancel()
        self.deadline = self.loop.call_later(CONNECTION_SECONDS, self.transport.abort)
        super().on_response_complete()


class FixedRepository(ModelRepositoryExtension):  # type: ignore[misc]
    """The one model, which no request may take away."""

    async def load(self, model_name: str) -> None:
        raise InvalidInput("expected no change of models, which the server has from its start")

    unload = load


def rest_application(plane: DataPlane, repository: FixedRepository) -> fastapi.FastAPI:
    async def answer(request: fastapi.Request, error: Exception) -> fastapi.Response:
        log_if_ours(error)
        status, _, text = told(error)
        return fastapi.responses.JSONResponse({"error": text}, status)

    app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/", plane.live)
    app.add_api_route("/metrics", metrics_handler)
    register_v2_endpoints(app, plane, repository)
    for kind in (InvalidInput, ModelNotFound, NotImplementedError, RequestValidationError, ServerNotReady):
        app.add_exception_handler(kind, answer)
    return app


def grpc_handlers(servicer: InferenceServicer, door: Door) -> grpc.GenericRpcHandler:
    """The methods of KServe's servicer, which get bytes: what gRPC cannot read itself it would answer as an error of
    the server, with a traceback."""

    def handler(method: Any) -> grpc.RpcMethodHandler:
        kind, call = method.input_type._concrete_class, getattr(servicer, method.name)

        async def answered(content: bytes, context: Any) -> bytes:
            try:
                request: Any = kind.FromString(content)
                if getattr(request, "model_version", "") or getattr(request, "version", ""):
                    raise NotImplementedError
                reply: bytes = (await call(request, context)).SerializeToString()
                return reply
            except DecodeError:
                raise InvalidInput(f"expected a {kind.__name__} without compression, found other bytes") from None

        async def checked(content: bytes, context: Any) -> bytes:
            door.held += len(content)
            try:
                door.check_size(len(content))
                if method.name != "ModelInfer":
                    return await answered(content, context)
                with measured("gRPC"):
                    return await answered(content, context)
            except Exception as error:
                log_if_ours(error)
                _, status, text = told(error)
                await context.abort(status, text)
                raise
            finally:
                door.held -= len(content)

        return grpc.unary_unary_rpc_method_handler(checked)

    service = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    return grpc.method_handlers_generic_handler(
        service.full_name, {method.name: handler(method) for method in service.methods})


async def serve(model: Classifier, options: argparse.Namespace) -> None:
    """Answers until SIGTERM or SIGINT."""
    models = ModelRepository()
    models.update(model)
    plane, repository = DataPlane(models), FixedRepository(models)
    listener = socket.create_server((options.host, options.http_port), backlog=2048)
    door = Door(rest_application(plane, repository), model, options.max_request_bytes)
    config = uvicorn.Config(
        door, http=functools.partial(Connection, limit=options.max_connections, refused=set()),
        ws="none", lifespan="off", log_config=None, access_log=False, server_header=False,
        timeout_keep_alive=CONNECTION_SECONDS - 10, timeout_graceful_shutdown=STOP_SECONDS)
    rpc = grpc.aio.server(
        # Room for what is refused and for questions about health beside what is classified.
        maximum_concurrent_rpcs=len(model.sessions) + model.queue + 64,
        options=[
            ("grpc.max_receive_message_length", options.max_request_bytes),
            ("grpc.max_allowed_incoming_connections", options.max_connections),
            ("grpc.server_handshake_timeout_ms", 10_000),
            # A compressed message could become one of any size; unpacked by nobody, it is no request.
            ("grpc.per_message_decompression", 0),
            # Two servers at one port would share the requests.
            ("grpc.so_reuseport", 0)])
    rpc.add_generic_rpc_handlers([grpc_handlers(InferenceServicer(plane, repository), door)])
    grpc_port = rpc.add_insecure_port(f"{options.host}:{options.grpc_port}")
    await rpc.start()
    # uvicorn raises the signal again that ended it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    # What was imported is not looked through for garbage again.
    gc.freeze()
    session = model.sessions[0]
    print(
        f"{model.name}: {model.plan.summary}; {len(model.sessions)} sessions of {session.threads} threads, "
        f"{session.instruction_set}\nREST at {options.host}:{listener.getsockname()[1]}, "
        f"gRPC at {options.host}:{grpc_port}", flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])
    await rpc.stop(STOP_SECONDS)
    model.stop()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m resnet_runtime.kserve", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Serves a plan by the Open Inference Protocol v2, REST and gRPC.", epilog="""examples:
  python -m resnet_runtime.kserve --plan resnet18.plan --model_name resnet18
  python -m resnet_runtime.kserve --plan /mnt/models/resnet18.plan --sessions 4 --queue 16
  curl localhost:8080/v2/models/resnet18

Where a container has a quota of CPUs, there are as many sessions as whole CPUs in it.""")

    def option(name: str, default: int | None, text: str) -> None:
        shown = "" if default is None else f" (default: {default})"
        parser.add_argument(name, type=int, default=default, metavar="N", help=text + shown)

    parser.add_argument("--plan", required=True, help="the file that resnet-quantize made")
    parser.add_argument(
        "--model_name", default="model", metavar="NAME", help="what requests call the model (default: model)")
    parser.add_argument("--host", default="0.0.0.0", help="the address to listen at (default: 0.0.0.0)")
    option("--http_port", 8080, "port of REST; 0 for any")
    option("--grpc_port", 8081, "port of gRPC; 0 for any")
    option("--sessions", None, "images that are classified at the same time (default: one for each CPU)")
    option("--threads", 1, "threads of each session")
    option("--queue", 64, "images that may wait; requests beyond get 503 or UNAVAILABLE")
    option("--max_batch", 128, "images of one request")
    option("--max_request_bytes", 16 << 20, "bytes of one request; larger ones get 413 or RESOURCE_EXHAUSTED")
    option("--max_connections", 1000, "connections of REST and of gRPC; REST answers more with 503, gRPC closes them")
    option("--max_image_pixels", 50_000_000, "pixels of an encoded image")
    parser.add_argument(
        "--no-tuning", action="store_true",
        help="do not time the forms of an int8 plan at the start: less memory, slower answers")
    options = parser.parse_args()
    for name in ("sessions", "threads", "queue", "max_batch", "max_request_bytes", "max_connections"):
        value = getattr(options, name)
        if value is not None and value < 1:
            parser.error(f"expected --{name} of at least 1, found {value}")
    for name in ("http_port", "grpc_port"):
        value = getattr(options, name)
        if not 0 <= value < 65536:
            parser.error(f"expected --{name} of 0 to 65535, found {value}")

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    # It warns of each wrong request.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # Those of REST, as many that are being refused, and those of gRPC, beside the server's own files.
    options.max_connections = max(1, min(options.max_connections, (most - 64) // 3))
    try:
        model = Classifier(
            options.model_name, options.plan, sessions=options.sessions, threads=options.threads, queue=options.queue,
            max_batch=options.max_batch, tuning=None if options.no_tuning else "measured", max_image_pixels=options.max_image_pixels)
        uvloop.run(serve(model, options))
    except (ResNetError, OSError, RuntimeError) as error:
        sys.exit(f"resnet_runtime.kserve: error: {error}")
