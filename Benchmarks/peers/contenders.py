# SPDX-License-Identifier: Apache-2.0
"""Ours and the peers behind one interface, each in processes of its own.

    block(count)      times of inferences in ms
    first()           {"first_ms", "peak_kb"} of a fresh process that loads and infers once;
                      peers also tell "imports_kb", what their process held before loading
    logits(paths)     float32 array, a row for each photo
    close()
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import models
from failure import Failure, last_line

HERE = Path(__file__).parent


class Ours:
    """resnet-run: "ours" as the session tunes itself for many inferences, "untuned" with --no-tuning."""

    def __init__(self, runtime, program, plan, precision, threads, photo):
        self.program, self.plan, self.photo = str(program), str(plan), str(photo)
        self.runtime, self.precision, self.threads = runtime, precision, threads

    def command(self, *photos):
        return [self.program, self.plan, *photos, "--threads", str(self.threads)]

    def block(self, count):
        # To be replaced by resnet-bench: this decodes the photo before each inference. The tuning is
        # measured in the first block and kept, as a process that goes on would.
        tuning = ["--no-tuning"]
        if self.runtime == "ours":
            tuning = ["--tuning", f"{self.plan}.{self.threads}.tuning"]
        lines = _run([*self.command(*[self.photo] * count), *tuning, "--json"]).splitlines()
        return [json.loads(line)["inference_ms"] for line in lines]

    def first(self):
        # From the start of the process to its answer, with decoding and resizing the photo.
        begin = time.perf_counter_ns()
        process = subprocess.Popen(self.command(self.photo), stdout=subprocess.PIPE)
        process.stdout.readline()
        elapsed = (time.perf_counter_ns() - begin) / 1e6
        process.communicate()
        lean = [sys.executable, "-I", "-S", HERE / "lean.py", *self.command(self.photo)]
        peak, floor = map(int, _run(lean).split())
        if peak <= floor:
            raise Failure(f"expected {self.program} to hold more than {floor} kB: lean.py is not")
        return {"first_ms": elapsed, "peak_kb": peak}

    def logits(self, paths):
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "logits.f32"
            _run([*self.command(*map(str, paths)), "--logits", str(file)])
            return np.fromfile(file, "<f4").reshape(len(paths), -1)

    def close(self):
        pass


class Peer:
    def __init__(self, runtime, model, precision, threads, image):
        self.runtime, self.precision, self.threads = runtime, precision, threads
        self.command = [
            models.python(runtime), HERE / "peer.py", runtime, precision, str(threads), model, image]
        self.process = None

    def block(self, count):
        return self._ask({"do": "block", "count": count})

    def logits(self, paths):
        return np.array(self._ask({"do": "logits", "paths": list(map(str, paths))}), np.float32)

    def first(self):
        fresh = Peer.__new__(Peer)
        fresh.__dict__.update(self.__dict__, process=None)
        try:
            return fresh._start()
        finally:
            fresh.close()

    def close(self):
        if self.process:
            # Ends a stopped process too.
            self.process.kill()
            self.process.communicate()
            self.process = None

    def _start(self):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        return self._answer()

    def _ask(self, request):
        if self.process is None:
            self._start()
        os.kill(self.process.pid, signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # _answer tells.
        return self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            self.errors.seek(0)
            raise Failure(f"ended with status {status}: {last_line(self.errors.read())}")
        # Some runtimes' threads spin while they wait for work, at the cost of who is next.
        os.kill(self.process.pid, signal.SIGSTOP)
        return json.loads(line)


def _run(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise Failure(f"{Path(command[0]).name} failed: {last_line(result.stderr)}")
    return result.stdout
