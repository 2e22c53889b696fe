# SPDX-License-Identifier: Apache-2.0
"""Images a second of int8 with all the threads busy: ours in batches, ours in other ways and OpenVINO.

Contenders take turns. The rate of a turn is that of the median run of resnet-bench, or of OpenVINO's
median window of as many images as two batches have. The first turns do not count: ours measures its
tunings then, which its later processes keep.
"""

import json
import statistics
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import machine
import models
import preprocess
from contenders import Peer
from failure import Failure, last_line

BATCH = 8
# How long ours measures in a turn, and how many images OpenVINO computes in one.
SECONDS, IMAGES = 1.5, 480
BATCHED, SINGLE = f"**ours, batch of {BATCH}**", "ours, one image at a time"


class Ours:
    """resnet-bench with all the threads in one process, or with one in each of as many at once."""

    def __init__(self, program, plan, threads, processes):
        self.processes = processes
        # The images of a batch are divided too: so a time is that of as many for each thread.
        self.command = [program, plan, "--threads", str(threads // processes),
                        "--batch", str(BATCH // processes), "--seconds", str(SECONDS)]
        self.tunings = [f"{plan}.{index}-of-{processes}.tuning" for index in range(processes)]

    def turn(self):
        """Images a second by the way they are run."""
        with tempfile.TemporaryDirectory() as work:
            files = [Path(work) / f"{index}.json" for index in range(self.processes)]
            running = [subprocess.Popen([*self.command, "--tuning", tuning, "--json", file],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                       for tuning, file in zip(self.tunings, files)]
            for process in running:
                errors = process.communicate()[1]
                if process.returncode != 0:
                    raise Failure(f"resnet-bench failed: {last_line(errors)}")
            batches = [json.loads(file.read_text())["batch"] for file in files]
        rate = sum(batch["images_per_s"] for batch in batches)
        if self.processes == 1:
            return {BATCHED: rate, SINGLE: batches[0]["single_images_per_s"]}
        return {f"ours, {self.processes} sessions of one thread at once": rate}

    def close(self):
        pass


class Streams(Peer):
    """OpenVINO with as many requests at once as it finds best, of some images each."""

    def __init__(self, model, threads, image, batch):
        super().__init__("openvino", model, "int8", threads, image)
        self.command.append(str(batch))
        self.batch = batch

    def turn(self):
        ends = self._ask({"do": "ends", "count": IMAGES // self.batch})
        window = 2 * BATCH // self.batch
        times = [ends[i] - ends[i - window] for i in range(window, len(ends))]
        plural = "s" if self.batch > 1 else ""
        return {f"OpenVINO, requests of {self.batch} image{plural}": 2 * BATCH / statistics.median(times)}


def compare(root, threads, rounds, progress):
    """The rates of each turn, and of what."""
    with tempfile.TemporaryDirectory(prefix="peers-") as work:
        work = Path(work)
        made, missing = models.make(root, work, None, ["openvino"], progress)
        if missing:
            raise Failure(f"OpenVINO cannot take part: {missing['openvino']}")
        image = work / "image.npy"
        np.save(image, preprocess.load(root / "Models/examples/tench.jpg"))
        program = root / ".build-board/release/resnet-bench"
        contenders = [Ours(program, made["ours", "int8"], threads, processes)
                      for processes in sorted({1, threads})]
        contenders += [Streams(made["openvino", "int8"], threads, image, batch) for batch in (1, BATCH)]
        turns = measure(contenders, rounds, progress)
    return {"network": f"{models.CHECKPOINT}, int8", "threads": threads,
            "machine": machine.describe(root, program), "turns": turns}


def measure(contenders, rounds, progress):
    turns = []
    try:
        for turn in range(rounds + 1):
            progress(f"round {turn} of {rounds}")
            turns.append({name: rate for each in contenders for name, rate in each.turn().items()})
    finally:
        for each in contenders:
            each.close()
    return turns[1:]


def markdown(report):
    turns = report["turns"]
    lines = [f"{report['network']}, {report['threads']} threads, 224 × 224, {len(turns)} rounds.", ""]
    lines += [f"- {key}: {value}" for key, value in report["machine"].items()]
    lines += ["", "Images a second in a turn. \"Ours ÷\" is our batch's rate by another's: above 1, ours is"
              " faster.", "", "|  | median | highest | ours ÷, of medians | of highest | median of ratios |",
              "| --- | ---: | ---: | ---: | ---: | ---: |"]
    ours = [turn[BATCHED] for turn in turns]
    for name in turns[0]:
        rates = [turn[name] for turn in turns]
        middle, highest = statistics.median(rates), max(rates)
        ratio = statistics.median(a / b for a, b in zip(ours, rates))
        lines.append(f"| {name} | {middle:.0f} | {highest:.0f} | {statistics.median(ours) / middle:.2f} "
                     f"| {max(ours) / highest:.2f} | {ratio:.2f} |")
    return "\n".join(lines) + "\n"
