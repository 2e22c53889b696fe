# SPDX-License-Identifier: Apache-2.0
"""The server of resnet_runtime.kserve as its clients see it: right answers, wrong requests, and too many of them."""

import base64
import http.client
import importlib.util
import json
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.Image
from support import CHURCH, MODELS, PHOTOS, image, plan_path, scratch, session

NEEDED = "needs kserve and tritonclient: RESNET_SLOW_TESTS=1 installs them"
HAS = all(importlib.util.find_spec(name) for name in ("kserve", "tritonclient"))
OUTPUTS = ["label", "index", "probability", "logits", "features"]
INFER = "/v2/models/net/infer"
CONNECTIONS = 2000


class Server:
    """`python -m resnet_runtime.kserve` on ports of its own, with what it logs in a file."""

    def __init__(self, *options):
        self.log = open(scratch() / f"kserve-{time.monotonic_ns()}.log", "w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "resnet_runtime.kserve", "--plan", plan_path(), "--model_name", "net",
             "--http_port", "0", "--grpc_port", "0", *map(str, options)],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.process.stdout.readline()
        ports = re.fullmatch(r"REST at 0\.0\.0\.0:(\d+), gRPC at 0\.0\.0\.0:(\d+)\n", self.process.stdout.readline())
        assert ports, self.logged()
        self.rest, self.grpc = int(ports[1]), int(ports[2])

    def logged(self):
        self.log.seek(0)
        return self.log.read()

    def ask(self, method, path, body=None, headers={}):
        """The status and the body of an answer; bodies of JSON as objects."""
        connection = http.client.HTTPConnection("127.0.0.1", self.rest, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            is_json = answer.headers.get_content_type() == "application/json"
            return answer.status, json.loads(content) if is_json else content
        finally:
            connection.close()

    def infer(self, request, tail=b"", path=INFER, **headers):
        content = request if isinstance(request, bytes) else json.dumps(request).encode()
        if tail:
            headers["Inference-Header-Content-Length"] = str(len(content))
        return self.ask("POST", path, content + tail, headers)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        self.process.stdout.close()
        text = self.logged()
        self.log.close()
        return status, text


def encoded(*photos):
    """BYTES as the protocol has them after the JSON."""
    return b"".join(struct.pack("<I", len(photo)) + photo for photo in photos)


def request(name, datatype, shape, data=None, size=None, **more):
    tensor = {"name": name, "datatype": datatype, "shape": shape}
    if data is not None:
        tensor["data"] = data
    if size is not None:
        tensor["parameters"] = {"binary_data_size": size}
    return {"inputs": [tensor], **more}


def church(**more):
    return request("image", "BYTES", [1], [base64.b64encode(CHURCH.read_bytes()).decode()], **more)


def triton(kind, port):
    """The client of REST or gRPC and its module, which have the same names."""
    module = importlib.import_module(f"tritonclient.{kind}")
    return module, module.InferenceServerClient(f"127.0.0.1:{port}")


def triton_infer(kind, port, name, array, outputs=None):
    module, client = triton(kind, port)
    with client:
        tensor = module.InferInput(name, array.shape, "UINT8" if array.dtype == np.uint8 else "BYTES")
        tensor.set_data_from_numpy(array)
        wanted = outputs and [module.InferRequestedOutput(output) for output in outputs]
        return client.infer("net", [tensor], outputs=wanted)


@unittest.skipUnless(HAS, NEEDED)
class Serving(unittest.TestCase):
    """One server that the tests share, so that each finds it alive after the others."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server("--max_request_bytes", 4 << 20, "--max_batch", 12, "--max_image_pixels", 20_000_000)
        cls.files = np.array([photo.read_bytes() for photo in PHOTOS], np.object_)
        with session() as it:
            cls.expected = {name: [] for name in OUTPUTS}
            for photo in PHOTOS:
                best = it.classify(photo, top=1)[0]
                for name in OUTPUTS:
                    value = getattr(best if hasattr(best, name) else it, name)
                    cls.expected[name].append(value.encode() if name == "label" else np.copy(value))

    @classmethod
    def tearDownClass(cls):
        status, text = cls.server.stop()
        assert status == 0, f"SIGTERM ended the server with {status}: {text}"
        assert text == "", text

    def tearDown(self):
        status, answer = self.server.infer(church(outputs=[{"name": "index"}]))
        self.assertEqual((status, answer["outputs"][0]["data"]), (200, [4]))

    def test_same_bits(self):
        for kind, port in [("http", self.server.rest), ("grpc", self.server.grpc)]:
            answer = triton_infer(kind, port, "image", self.files)
            for name in OUTPUTS:
                np.testing.assert_array_equal(answer.as_numpy(name), np.array(self.expected[name]), f"{kind} {name}")
        photos = [base64.b64encode(photo).decode() for photo in self.files]
        status, answer = self.server.infer(request("image", "BYTES", [len(photos)], photos))
        self.assertEqual(status, 200)
        for name, output in zip(OUTPUTS, answer["outputs"]):
            found = np.array(output["data"], np.float32 if output["datatype"] == "FP32" else None)
            expected = [label.decode() for label in self.expected[name]] if name == "label" else self.expected[name]
            np.testing.assert_array_equal(found.reshape(output["shape"]), np.array(expected))

    def test_pixels(self):
        with PIL.Image.open(CHURCH) as pillow:
            photo = np.asarray(pillow.resize((300, 200)))
        pair = np.stack([image(1), image(2)])
        with session() as it:
            for pixels, expected in [
                    (photo, it.run_photo(photo).copy()), (image(1), it.run(image(1)).copy()), (pair, it.run(pair))]:
                for kind, port in [("http", self.server.rest), ("grpc", self.server.grpc)]:
                    found = triton_infer(kind, port, "pixels", pixels, ["logits"])
                    np.testing.assert_array_equal(found.as_numpy("logits"), expected.reshape(-1, 10))
            small = photo[:40, :50]
            for data in (small.tolist(), small.ravel().tolist()):
                status, answer = self.server.infer(request("pixels", "UINT8", [40, 50, 3], data))
                self.assertEqual(status, 200)
                np.testing.assert_array_equal(np.float32(answer["outputs"][3]["data"]), it.run_photo(small))

    def test_requested_outputs(self):
        for kind, port in [("http", self.server.rest), ("grpc", self.server.grpc)]:
            answer = triton_infer(kind, port, "image", self.files[:2], ["features", "label"])
            self.assertIsNone(answer.as_numpy("logits"))
            np.testing.assert_array_equal(answer.as_numpy("features"), np.array(self.expected["features"][:2]))
            self.assertEqual(answer.as_numpy("label").tolist(), self.expected["label"][:2])
        status, answer = self.server.infer(church(id="seven", outputs=[{"name": "index"}, {"name": "label"}]))
        self.assertEqual((status, answer["id"], answer["model_name"]), (200, "seven", "net"))
        self.assertEqual(answer["outputs"], [
            {"name": "index", "shape": [1], "datatype": "INT64", "data": [4]},
            {"name": "label", "shape": [1], "datatype": "BYTES", "data": ["n03028079 church"]}])

    def test_health_and_metadata(self):
        for kind, port in [("http", self.server.rest), ("grpc", self.server.grpc)]:
            module, client = triton(kind, port)
            with client:
                self.assertTrue(client.is_server_live() and client.is_server_ready() and client.is_model_ready("net"))
                options = {} if kind == "http" else {"as_json": True}
                found = client.get_model_metadata("net", **options)
                self.assertEqual(
                    [(tensor["name"], tensor["datatype"], [int(side) for side in tensor["shape"]])
                     for tensor in found["inputs"] + found["outputs"]],
                    [("image", "BYTES", [-1]), ("pixels", "UINT8", [-1, -1, -1, 3]), ("label", "BYTES", [-1]),
                     ("index", "INT64", [-1]), ("probability", "FP32", [-1]), ("logits", "FP32", [-1, 10]),
                     ("features", "FP32", [-1, 512])])
                self.assertEqual(client.get_server_metadata(**options)["name"], "kserve")
        self.assertEqual(self.server.ask("GET", "/v2/models"), (200, {"models": ["net"]}))

    def test_metrics(self):
        def value(name):
            found = re.search(rf"^{re.escape(name)} (\S+)$", self.server.ask("GET", "/metrics")[1].decode(), re.M)
            return float(found[1]) if found else 0

        names = [
            'resnet_requests_total{protocol="REST",status="200"}',
            'resnet_requests_total{protocol="REST",status="400"}',
            'resnet_requests_total{protocol="gRPC",status="200"}', 'resnet_images_total{model_name="net"}',
            'resnet_request_seconds_count{protocol="gRPC"}']
        before = [value(name) for name in names]
        self.server.infer(b"nonsense")
        self.server.infer(church())
        triton_infer("grpc", self.server.grpc, "image", self.files[:3])
        self.assertEqual([value(name) - old for name, old in zip(names, before)], [1, 1, 1, 4, 1])
        self.assertEqual(value('resnet_images_in_flight{model_name="net"}'), 0)
        self.assertGreater(value('request_predict_seconds_count{model_name="net"}'), 0)

    def test_wrong_requests_of_rest(self):
        photo = CHURCH.read_bytes()
        file = encoded(photo)
        pixels = image(0).tobytes()
        for words, body, tail in [
                ("expected JSON", b"", b""), ("expected JSON", b"{", b""), ("expected JSON", b"\xff\xfe", b""),
                ("expected JSON", b"[" * 100_000, b""), ("object of JSON", b"[]", b""), ("inputs", b"{}", b""),
                ("inputs to be a list", b'{"inputs": {}}', b""), ("name to be a text", b'{"inputs": [3]}', b""),
                ("found none", b'{"inputs": []}', b""), ("one input", {"inputs": church()["inputs"] * 2}, b""),
                ("found x of BYTES", request("x", "BYTES", [1], ["aaaa"]), b""),
                ("found image of FP32", request("image", "FP32", [1], [1.5]), b""),
                ("found pixels of FP32", request("pixels", "FP32", [224, 224, 3], size=len(pixels)), pixels),
                ("expected 1 to 12 images", request("image", "BYTES", [0], []), b""),
                ("expected 1 to 12 images", request("image", "BYTES", [10**18], []), b""),
                ("numbers from 0", request("image", "BYTES", [10**30], []), b""),
                ("expected 1 to 12 images", request("image", "BYTES", [13], size=13 * 4), encoded(*[b""] * 13)),
                ("expected 1 to 12 images", request("pixels", "UINT8", [0, 224, 224, 3], []), b""),
                ("numbers from 0", request("image", "BYTES", [-1], []), b""),
                ("numbers from 0", request("image", "BYTES", [1.5], []), b""),
                ("numbers from 0", request("image", "BYTES", ["1"], []), b""),
                ("shape [N]", request("image", "BYTES", [], []), b""),
                ("shape [N]", request("image", "BYTES", [1, 1], []), b""),
                ("found 0", request("image", "BYTES", [1], []), b""),
                ("Base64", request("image", "BYTES", [1], ["%%%"]), b""),
                ("Base64", request("image", "BYTES", [1], ["é"]), b""),
                ("Base64", request("image", "BYTES", [1], [None]), b""),
                ("Base64", request("image", "BYTES", [1], [[1, 2]]), b""),
                ("data to be a list", request("image", "BYTES", [1]), b""),
                ("data to be a list", request("image", "BYTES", [1], "text"), b""),
                ("image 0: expected a JPEG or PNG", request("image", "BYTES", [1], [""]), b""),
                ("image 1: expected a JPEG", request("image", "BYTES", [2], size=len(file) + 6), file + encoded(b"no")),
                ("image 0", request("image", "BYTES", [1], size=104), encoded(photo[:100])),
                ("binary_data_size", request("image", "BYTES", [1], size=-5), file),
                ("binary_data_size", request("image", "BYTES", [1], size=10**30), file),
                ("binary_data_size", request("image", "BYTES", [1], size=1.5), file),
                ("binary_data_size", request("image", "BYTES", [1], size=True), file),
                ("binary_data_size", request("image", "BYTES", [1], [], size=len(file)), file),
                ("binary_data_size", request("image", "BYTES", [1], size=len(file)), b""),
                ("JSON and tensors", request("image", "BYTES", [1], size=len(file)), file + b"more"),
                ("after its size", request("image", "BYTES", [2], size=len(file)), file),
                ("after its size", request("image", "BYTES", [1], size=3), b"abc"),
                ("after its size", request("image", "BYTES", [1], size=6), b"\xff\xff\xff\xffab"),
                ("pixels of the shape", request("pixels", "UINT8", [224, 224], size=len(pixels)), pixels),
                ("pixels of the shape", request("pixels", "UINT8", [3, 224, 224], size=len(pixels)), pixels),
                ("expected 150000 bytes", request("pixels", "UINT8", [200, 250, 3], size=len(pixels)), pixels),
                ("bytes for pixels", request("pixels", "UINT8", [2**31, 2**31, 3], size=len(pixels)), pixels),
                ("image 0", request("pixels", "UINT8", [0, 224, 3], []), b""),
                ("image 0", request("pixels", "UINT8", [1, 1_000_000, 3], size=3_000_000), bytes(3_000_000)),
                ("0 to 255", request("pixels", "UINT8", [1, 1, 3], [1, 2, 256]), b""),
                ("0 to 255", request("pixels", "UINT8", [1, 1, 3], [1, 2, 2.5]), b""),
                ("0 to 255", request("pixels", "UINT8", [1, 1, 3], [[[1, 2], 3]]), b""),
                ("0 to 255", request("pixels", "UINT8", [1, 1, 3], ["a", "b", "c"]), b""),
                ("expected the outputs", church(outputs=[{"name": "colour"}]), b""),
                ("each output once", church(outputs=[{"name": "label"}] * 2), b""),
                ("outputs to be a list", church(outputs="label"), b""),
                ("binary_data to be", church(outputs=[{"name": "label", "parameters": {"binary_data": 7}}]), b""),
                ("parameters to be", church(parameters=[]), b""), ("id to be a text", church(id=7), b"")]:
            with self.subTest(words=words, body=str(body)[:80]):
                status, answer = self.server.infer(body, tail)
                self.assertEqual((status, list(answer)), (400, ["error"]), answer)
                self.assertIn(words, answer["error"])
                self.assertLess(len(answer["error"]), 501)

    def test_wrong_headers_and_paths(self):
        big = bytes(5 << 20)
        for status, method, path, body, headers in [
                (413, "POST", INFER, big, {}), (413, "POST", INFER, iter([big]), {}),
                (400, "POST", INFER, b"{}", {"Inference-Header-Content-Length": "-2"}),
                (400, "POST", INFER, b"{}", {"Inference-Header-Content-Length": "99"}),
                (400, "POST", INFER, b"{}", {"Inference-Header-Content-Length": "x"}),
                (415, "POST", INFER, b"{}", {"Content-Encoding": "gzip"}),
                (404, "POST", "/v2/models/other/infer", b"{}", {}), (404, "GET", "/v2/models/other", None, {}),
                (404, "POST", "/v2/models/other/infer%0A", big, {}),
                (404, "POST", "/v2/models/net/versions/2/infer", b"{}", {}),
                (404, "GET", "/v2/models/net/versions/2", None, {}), (404, "GET", "/v2/models/other/ready", None, {}),
                (400, "POST", "/v2/repository/models/net/unload", b"", {}),
                (404, "POST", "/v1/models/net:predict", big, {}), (405, "GET", INFER, None, {}),
                (400, "GET", "/v2", None, {"X": "a" * 200_000})]:
            with self.subTest(path=path, headers=str(headers)[:80]):
                self.assertEqual(self.server.ask(method, path, body, headers)[0], status)
        for raw in [
                b"\x16\x03\x01nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"]:
            with socket.create_connection(("127.0.0.1", self.server.rest), timeout=30) as connection:
                connection.sendall(raw)
                self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 400"))

    def test_huge_image(self):
        import io
        file = io.BytesIO()
        PIL.Image.new("L", (16_000, 16_000)).save(file, "PNG")
        status, answer = self.server.infer(
            request("image", "BYTES", [1], size=len(file.getvalue()) + 4), encoded(file.getvalue()))
        self.assertEqual(status, 400)
        self.assertIn("image 0: ", answer["error"])

    def test_wrong_requests_of_grpc(self):
        import grpc
        from tritonclient.grpc import service_pb2 as pb

        def infer(model="net", raw=(), outputs=(), version="", **tensor):
            message = pb.ModelInferRequest(model_name=model, raw_input_contents=raw, model_version=version)
            if tensor or raw:
                message.inputs.add(**{"name": "image", "datatype": "BYTES", "shape": [1], **tensor})
            for name in outputs:
                message.outputs.add(name=name)
            return message.SerializeToString()

        file, code = encoded(CHURCH.read_bytes()), grpc.StatusCode
        with grpc.insecure_channel(f"127.0.0.1:{self.server.grpc}", [
                ("grpc.max_send_message_length", -1)]) as channel:
            for status, words, method, content in [
                    (code.INVALID_ARGUMENT, "expected a ModelInferRequest", "ModelInfer", b"\xff\xff\xff"),
                    (code.INVALID_ARGUMENT, "found none", "ModelInfer", infer()),
                    (code.INVALID_ARGUMENT, "number of inputs", "ModelInfer", infer(raw=[file, file])),
                    (code.INVALID_ARGUMENT, "contents", "ModelInfer",
                     infer(raw=[file], name="image", contents={"bytes_contents": [b"a"]})),
                    (code.INVALID_ARGUMENT, "found 0", "ModelInfer", infer(name="image")),
                    (code.INVALID_ARGUMENT, "numbers from 0", "ModelInfer", infer(raw=[file], shape=[-1])),
                    (code.INVALID_ARGUMENT, "1 to 12", "ModelInfer", infer(raw=[file], shape=[2**62])),
                    (code.INVALID_ARGUMENT, "after its size", "ModelInfer", infer(raw=[file[:-1]])),
                    (code.INVALID_ARGUMENT, "invalid content type", "ModelInfer",
                     infer(raw=[file], datatype="X" * 9000)),
                    (code.INVALID_ARGUMENT, "one input", "ModelInfer", infer(raw=[file], name="ü" * 9000)),
                    (code.INVALID_ARGUMENT, "image 0: ", "ModelInfer", infer(raw=[encoded(b"nonsense")])),
                    (code.INVALID_ARGUMENT, "bytes for pixels", "ModelInfer",
                     infer(raw=[b"abc"], name="pixels", datatype="UINT8", shape=[2**62, 2**62, 3])),
                    (code.INVALID_ARGUMENT, "0 to 255", "ModelInfer", infer(
                        name="pixels", datatype="UINT8", shape=[1, 1, 3], contents={"uint_contents": [1, 2, 300]})),
                    (code.INVALID_ARGUMENT, "expected the outputs", "ModelInfer", infer(raw=[file], outputs=["x"])),
                    (code.NOT_FOUND, "other", "ModelInfer", infer("other", [file], name="image")),
                    (code.NOT_FOUND, "version", "ModelInfer", infer("net", [file], name="image", version="2")),
                    (code.NOT_FOUND, "other", "ModelMetadata",
                     pb.ModelMetadataRequest(name="other").SerializeToString()),
                    (code.NOT_FOUND, "other", "ModelReady", pb.ModelReadyRequest(name="other").SerializeToString()),
                    (code.INVALID_ARGUMENT, "no change", "RepositoryModelUnload",
                     pb.RepositoryModelUnloadRequest(model_name="net").SerializeToString()),
                    (code.RESOURCE_EXHAUSTED, "larger than max", "ModelInfer", bytes(5 << 20)),
                    (code.UNIMPLEMENTED, "", "Nothing", b"")]:
                with self.subTest(words=words):
                    call = channel.unary_unary(f"/inference.GRPCInferenceService/{method}")
                    with self.assertRaises(grpc.RpcError) as caught:
                        call(content, timeout=60)
                    self.assertEqual(caught.exception.code(), status, caught.exception.details())
                    self.assertIn(words, caught.exception.details())
            # 16 MB in 16 kB, which a server that unpacks it would hold.
            with self.assertRaises(grpc.RpcError) as caught:
                channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(
                    bytes(16 << 20), timeout=60, compression=grpc.Compression.Gzip)
            self.assertEqual(caught.exception.code(), code.INVALID_ARGUMENT)
            self.assertIn("without compression", caught.exception.details())
        with socket.create_connection(("127.0.0.1", self.server.grpc), timeout=30) as connection:
            connection.sendall(b"nonsense" * 100)
        answer = triton_infer("grpc", self.server.grpc, "image", self.files[:1], ["label"])
        self.assertEqual(answer.as_numpy("label").tolist(), self.expected["label"][:1])

    def test_leaving_clients(self):
        """Clients that go in the middle of a request take nothing with them."""
        for cut in (60, 3000, None):
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", self.server.rest)) as connection:
                    body = json.dumps(church()).encode()
                    head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                    connection.sendall((head + body)[:cut])
        limit = time.monotonic() + 30
        while b'in_flight{model_name="net"} 0.0' not in self.server.ask("GET", "/metrics")[1]:
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.1)


@unittest.skipUnless(HAS, NEEDED)
class TooMany(unittest.TestCase):
    def server(self, *options):
        server = Server(*options)
        self.addCleanup(server.process.kill)
        return server

    def test_overload(self):
        import grpc
        server = self.server("--sessions", 1, "--queue", 2)
        body = json.dumps(church()).encode()
        with ThreadPoolExecutor(24) as clients:
            answers = list(clients.map(lambda _: server.ask("POST", INFER, body), range(96)))
        self.assertEqual({status for status, _ in answers}, {200, 503})
        refused = next(answer for status, answer in answers if status == 503)
        self.assertIn("queue full", refused["error"])

        def infer(_):
            try:
                triton_infer("grpc", server.grpc, "image", np.array([CHURCH.read_bytes()], np.object_), ["label"])
            except Exception as error:
                return error.status(), error.message()

        with ThreadPoolExecutor(24) as clients:
            answers = set(clients.map(infer, range(96)))
        self.assertEqual({answer and answer[0] for answer in answers}, {None, "StatusCode.UNAVAILABLE"})
        self.assertEqual(server.infer(church())[0], 200)
        self.assertEqual(server.stop(), (0, ""))

    def test_connections(self):
        """Many connections at once, idle and asking, to a server that takes 50."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        count = min(CONNECTIONS, hard - 100)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 100), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        server = self.server("--max_connections", 50)
        ask = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
        for port, greeting in [(server.rest, ask), (server.grpc, b"")]:
            connections, answers = [], set()
            for number in range(count):
                try:
                    connections.append(socket.create_connection(("127.0.0.1", port), timeout=30))
                    if number % 2:
                        connections[-1].sendall(greeting)
                except ConnectionError:
                    # gRPC closes what is too much at once.
                    answers.add(b"")
            for connection in connections[1::2] if greeting else []:
                try:
                    answers.add(connection.recv(1000)[:12])
                except ConnectionError:
                    answers.add(b"")
            for connection in connections:
                connection.close()
            if greeting:
                self.assertLessEqual({b"HTTP/1.1 200", b"HTTP/1.1 503"}, answers)
                self.assertLessEqual(answers, {b"HTTP/1.1 200", b"HTTP/1.1 503", b""})
        limit = time.monotonic() + 30
        while True:
            status, _ = server.infer(church())
            if status == 200:
                break
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.1)
        answer = triton_infer("grpc", server.grpc, "image", np.array([CHURCH.read_bytes()], np.object_), ["index"])
        self.assertEqual(answer.as_numpy("index").tolist(), [4])
        self.assertEqual(server.stop(), (0, ""))

    def test_end_with_requests_underway(self):
        server = self.server("--sessions", 1)
        body = json.dumps(church()).encode()
        with ThreadPoolExecutor(8) as clients:
            answers = [clients.submit(server.ask, "POST", INFER, body) for _ in range(8)]
            answers[0].result()
            status, text = server.stop()
        self.assertEqual((status, text), (0, ""))
        for answer in answers:
            # Answered, or never taken.
            self.assertTrue(isinstance(answer.exception(), OSError) or answer.result()[0] == 200)

    def test_start_errors(self):
        def run(*options):
            return subprocess.run(
                [sys.executable, "-m", "resnet_runtime.kserve", *map(str, options)], capture_output=True, text=True)

        missing = run("--plan", "missing.plan")
        self.assertEqual(missing.returncode, 1)
        self.assertRegex(missing.stderr, r"^resnet_runtime\.kserve: error: missing\.plan: .*\n$")
        self.assertEqual(run("--plan", MODELS / "classes.txt").returncode, 1)
        self.assertIn("at least 1", run("--plan", plan_path(), "--sessions", 0).stderr)
        self.assertIn("0 to 65535", run("--plan", plan_path(), "--grpc_port", 70_000).stderr)
        self.assertIn("examples:", run("--help").stdout)
        with socket.create_server(("0.0.0.0", 0)) as taken:
            port = taken.getsockname()[1]
            for option in ("--http_port", "--grpc_port"):
                other = "--grpc_port" if option == "--http_port" else "--http_port"
                found = run("--plan", plan_path(), option, port, other, 0)
                self.assertEqual(found.returncode, 1, found.stderr)
                self.assertIn("resnet_runtime.kserve: error: ", found.stderr)
