# SPDX-License-Identifier: Apache-2.0
"""Compares resnet-run with OpenVINO, ONNX Runtime and ncnn on this machine."""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

import machine
import models
import preprocess
import table
from contenders import Ours, Peer
from failure import Failure
from runtimes import RUNTIMES

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".build-board/release/resnet-run"
PHOTO = ROOT / "Models/examples/tench.jpg"

# A block's first inferences read weights that the others have driven out of the caches.
DROPPED = 2
# The precisions of contenders, and which of our plans each is compared with.
OURS = {"int8": "int8", "fp16": "fp16", "bf16": "fp16", "float32": "float32"}
# How far float32 logits may differ for the networks to count as the same.
TOLERANCE = 1e-3

EXAMPLES = """
examples:
  run.sh                                      the shipped ResNet18
  run.sh --output table.md --json table.json
  run.sh --architecture resnet50 --rounds 10  random weights: latency only
  run.sh --evaluate validation/               top-1 too, of validation/SYNSET/*.jpg
"""


def main():
    options = arguments()
    try:
        report = compare(options)
        text = table.markdown(report)
        if options.output:
            options.output.write_text(text)
        if options.json:
            options.json.write_text(json.dumps(report, indent=1) + "\n")
        print(text, end="")
    except KeyboardInterrupt:
        sys.exit(130)
    except (Failure, OSError) as error:
        print(f"peers: error: {error}", file=sys.stderr)
        sys.exit(1)


def arguments():
    parser = argparse.ArgumentParser(
        prog="run.sh", description=__doc__, epilog=EXAMPLES, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", choices=["resnet18", "resnet34", "resnet50"],
                        help="random weights of this network instead of the shipped checkpoint")
    parser.add_argument("--evaluate", type=Path, metavar="DIR",
                        help="also measure top-1 on DIR/SYNSET/*.jpg")
    parser.add_argument("--threads", type=counts, default=[1, 2], metavar="N,...",
                        help="numbers of threads (default: 1,2)")
    parser.add_argument("--rounds", type=count, default=20, metavar="N",
                        help="how often each contender's turn comes (default: 20)")
    parser.add_argument("--block", type=count, default=10, metavar="N",
                        help="timed inferences in a turn (default: 10)")
    parser.add_argument("--output", type=Path, metavar="FILE.md", help="also write the table here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    options = parser.parse_args()
    if options.architecture and options.evaluate:
        parser.error("--evaluate needs the shipped checkpoint, and --architecture has random weights")
    return options


def count(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def counts(text):
    return sorted({count(word) for word in text.split(",")})


def progress(text):
    print(f"peers: {text}", file=sys.stderr, flush=True)


def compare(options):
    for program in (PROGRAM, ROOT / ".build/release/resnet-quantize"):
        if not program.exists():
            raise Failure(f"expected {program.relative_to(ROOT)}: run make build board")
    if max(options.threads) > len(os.sched_getaffinity(0)):
        progress("warning: more threads than CPUs")
    labelled = labelled_photos(options.evaluate) if options.evaluate else None
    with tempfile.TemporaryDirectory(prefix="peers-") as work:
        work = Path(work)
        made = models.make(ROOT, work, options.architecture, progress)
        image = work / "image.npy"
        np.save(image, preprocess.load(PHOTO))
        contenders = [
            contender(runtime, precision, threads, made[runtime, precision], image)
            for precision in OURS
            for runtime in ("ours", *RUNTIMES)
            if (runtime, precision) in made
            for threads in options.threads
        ]
        try:
            checks = [] if options.architecture else check_logits(contenders)
            times = measure_latency(contenders, options.rounds, options.block)
            rows = latency_rows(contenders, times, made)
            measure_first(contenders, rows, options.threads[0])
            if labelled:
                measure_top1(contenders, rows, labelled)
                checks.append(f"Top-1 of {len(labelled[0])} photos")
        finally:
            for each in contenders:
                each.close()
    network = options.architecture or "resnet18"
    return {
        "network": f"ResNet{network[6:]}"
        + (" with random weights" if options.architecture else f" ({models.CHECKPOINT})"),
        "method": f"Turns of {options.block} inferences, one contender after the other, "
        f"{options.rounds} rounds.",
        "machine": machine.describe(ROOT, PROGRAM),
        "checks": checks,
        "threads": options.threads,
        "contenders": rows,
    }


def contender(runtime, precision, threads, model, image):
    if runtime == "ours":
        return Ours(PROGRAM, model, precision, threads, PHOTO)
    return Peer(runtime, model, precision, threads, image)


def check_logits(contenders):
    """Makes sure that all run the same network, by its logits of the example photos."""
    photos = preprocess.photos(ROOT / "Models/examples")
    seen, reference, lines = set(), None, []
    for each in sorted(contenders, key=lambda c: (c.precision != "float32", c.runtime != "ours")):
        if (each.runtime, each.precision) in seen:
            continue
        seen.add((each.runtime, each.precision))
        logits = each.logits(photos)
        if reference is None:
            reference = logits
            continue
        difference = float(np.abs(logits - reference).max())
        agreeing = int((logits.argmax(1) == reference.argmax(1)).sum())
        line = (f"{each.runtime} {each.precision}: logits within {difference:.2g} of our float32 plan's, "
                f"{agreeing} of {len(photos)} labels equal")
        progress(line)
        lines.append(line)
        # What ONNX Runtime computes in float32 stands for the ONNX file.
        if (each.runtime, each.precision) == ("onnxruntime", "float32") and difference > TOLERANCE:
            raise Failure(f"expected logits within {TOLERANCE}: the ONNX file is another network")
    return lines


def measure_latency(contenders, rounds, block):
    times = [[] for _ in contenders]
    for turn in range(rounds):
        progress(f"round {turn + 1} of {rounds}")
        for each, mine in zip(contenders, times):
            mine += each.block(DROPPED + block)[DROPPED:]
    return times


def latency_rows(contenders, times, made):
    rows = {}
    for each, mine in zip(contenders, times):
        row = rows.setdefault((each.runtime, each.precision), {
            "runtime": each.runtime, "precision": each.precision, "latency_ms": {},
            "model_bytes": models.size(made[each.runtime, each.precision])})
        row["latency_ms"][str(each.threads)] = {
            "min": min(mine), "median": statistics.median(mine),
            "all": [round(time, 3) for time in mine]}
    for row in rows.values():
        ours = rows["ours", OURS[row["precision"]]]
        for threads, latency in row["latency_ms"].items():
            latency["ours_ratio"] = ours["latency_ms"][threads]["median"] / latency["median"]
    return list(rows.values())


def measure_first(contenders, rows, threads, repeats=5):
    chosen = [each for each in contenders if each.threads == threads]
    results = [[] for _ in chosen]
    for turn in range(repeats):
        progress(f"fresh processes, {turn + 1} of {repeats}")
        for each, mine in zip(chosen, results):
            mine.append(each.first())
    for row, mine in zip(rows, results):
        for key in mine[0]:
            row[key] = statistics.median(result[key] for result in mine)
    ours = {row["precision"]: row["first_ms"] for row in rows if row["runtime"] == "ours"}
    for row in rows:
        row["first_ours_ratio"] = ours[OURS[row["precision"]]] / row["first_ms"]


def labelled_photos(directory):
    """The photos in the folders that are named after a class, and the class of each."""
    classes = (ROOT / "Models/classes.txt").read_text().splitlines()
    photos, labels = [], []
    for index, line in enumerate(classes):
        found = preprocess.photos(directory / line.split()[0])
        photos += found
        labels += [index] * len(found)
    if not photos:
        raise Failure(f"expected folders such as {classes[0].split()[0]} with photos in {directory}")
    return photos, np.array(labels)


def measure_top1(contenders, rows, labelled):
    photos, labels = labelled
    # The fastest of each kind: the number of threads does not matter here.
    fastest = {(each.runtime, each.precision): each for each in contenders}
    for row in rows:
        progress(f"top-1 of {row['runtime']} {row['precision']}")
        logits = fastest[row["runtime"], row["precision"]].logits(photos)
        row["top1"] = float((logits.argmax(1) == labels).mean())


if __name__ == "__main__":
    main()
