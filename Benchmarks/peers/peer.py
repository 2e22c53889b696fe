# SPDX-License-Identifier: Apache-2.0
"""The child process of one peer: peer.py RUNTIME PRECISION THREADS MODEL IMAGE.npy [BATCH]

Loads the model, infers once and prints what that took. Then each line on standard input, as
{"do": "block", "count": 12}, is answered by a line on standard output. With BATCH, it keeps several
requests of as many images busy, and {"do": "ends", "count": 12} tells when each of 12 was done.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

PR_SET_PDEATHSIG = 1


def memory(key):
    """A size in kB from /proc/self/status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])


def block(infer, image, count):
    times = []
    for _ in range(count):
        begin = time.perf_counter_ns()
        infer(image)
        times.append((time.perf_counter_ns() - begin) / 1e6)
    return times


def logits(infer, prepare, paths):
    # Only here: Pillow is not needed for the rest, and would count as memory.
    import preprocess
    return [infer(prepare(preprocess.load(path))).tolist() for path in paths]


def main():
    # A stopped process does not notice that its parent is gone; see contenders.py.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    runtime, precision, threads, model, image, *batch = sys.argv[1:]
    # Answers keep the real standard output for themselves, whatever a runtime prints.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(value):
        print(json.dumps(value), file=answers, flush=True)

    image = np.load(image)
    module = importlib.import_module(f"runtimes.{runtime}")
    prepare = getattr(module, "prepare", lambda image: image)
    image = prepare(image)
    imports = memory("VmRSS")
    begin = time.perf_counter_ns()
    if batch:
        infer = module.load_queue(model, int(threads), int(batch[0]))
    else:
        infer = module.load(model, int(threads), precision)
    infer(image)
    answer({
        "first_ms": (time.perf_counter_ns() - begin) / 1e6,
        "imports_kb": imports,
        "peak_kb": memory("VmHWM"),
    })
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "block":
            answer(block(infer, image, request["count"]))
        elif request["do"] == "ends":
            answer(infer(image, request["count"]))
        else:
            answer(logits(infer, prepare, request["paths"]))


main()
