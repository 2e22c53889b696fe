# SPDX-License-Identifier: Apache-2.0
"""Compares resnet-run with the peers of runtimes/ on this machine."""

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
import throughput
from contenders import Ours, Peer
from failure import Failure
from resnet import STAGES
from runtimes import RUNTIMES

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".build-board/release/resnet-run"
PHOTO = ROOT / "Models/examples/tench.jpg"

# A block's first inferences read weights that the others have driven out of the caches.
DROPPED = 2
# The precisions of contenders, and which of our plans each is compared with.
OURS = {"int8": "int8", "fp16": "fp16", "bf16": "fp16", "float32": "float32"}
# How far float32 logits may differ, as a part of the largest, for the networks to count as the same.
TOLERANCE = 1e-3

EXAMPLES = """
examples:
  run.sh                                      the shipped ResNet18
  run.sh --output table.md --json table.json
  run.sh --architecture resnet50 --rounds 10  random weights
  run.sh --evaluate validation/               top-1 too, of validation/SYNSET/*.jpg
  run.sh --throughput --threads 2             images a second, beside OpenVINO's streams
"""


def main():
    options = arguments()
    try:
        check_built(max(options.threads))
        if options.throughput:
            report = throughput.compare(ROOT, options.threads[-1], options.rounds, progress)
            text = throughput.markdown(report)
        else:
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
    parser.add_argument("--architecture", choices=list(STAGES),
                        help="random weights of this network instead of the shipped checkpoint")
    parser.add_argument("--evaluate", type=Path, metavar="DIR",
                        help="also measure top-1 on DIR/SYNSET/*.jpg")
    parser.add_argument("--peers", type=peers, default=list(RUNTIMES), metavar="NAME,...",
                        help=f"only these (default: {','.join(RUNTIMES)})")
    parser.add_argument("--threads", type=counts, default=[1, 2], metavar="N,...",
                        help="numbers of threads (default: 1,2)")
    parser.add_argument("--rounds", type=count, default=20, metavar="N",
                        help="how often each contender's turn comes (default: 20)")
    parser.add_argument("--block", type=count, default=10, metavar="N",
                        help="timed inferences in a turn (default: 10)")
    parser.add_argument("--throughput", action="store_true",
                        help="images a second of the shipped network's int8, with the most threads: ours"
                        " in batches and sessions beside OpenVINO with its throughput hint")
    parser.add_argument("--output", type=Path, metavar="FILE.md", help="also write the table here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    options = parser.parse_args()
    if options.architecture and options.evaluate:
        parser.error("--evaluate needs the shipped checkpoint, and --architecture has random weights")
    if options.throughput and (options.architecture or options.evaluate):
        parser.error("--throughput measures the shipped network, and nothing else")
    if options.throughput and options.threads[-1] not in (1, 2, 4):
        parser.error("--throughput shares a batch of 8 out to 1, 2 or 4 threads")
    return options


def count(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def counts(text):
    return sorted({count(word) for word in text.split(",")})


def peers(text):
    names = text.split(",")
    if not set(names) <= set(RUNTIMES):
        raise ValueError
    return names


def progress(text):
    print(f"peers: {text}", file=sys.stderr, flush=True)


def check_built(threads):
    for program in (PROGRAM, PROGRAM.with_name("resnet-bench"), ROOT / ".build/release/resnet-quantize"):
        if not program.exists():
            raise Failure(f"expected {program.relative_to(ROOT)}: run make build board")
    if threads > len(os.sched_getaffinity(0)):
        progress("warning: more threads than CPUs")


def compare(options):
    labelled = labelled_photos(options.evaluate) if options.evaluate else None
    with tempfile.TemporaryDirectory(prefix="peers-") as work:
        work = Path(work)
        made, missing = models.make(ROOT, work, options.architecture, options.peers, progress)
        image = work / "image.npy"
        np.save(image, preprocess.load(PHOTO))
        contenders = Contenders([
            contender(runtime, precision, threads, made[runtime, precision], image)
            for precision in OURS
            for runtime in ("ours", "untuned", *RUNTIMES)
            if (runtime, precision) in made
            for threads in options.threads
        ], missing)
        try:
            rows, checks = check_logits(contenders, labelled)
            measure_latency(contenders, options.rounds, options.block)
            measure_first(contenders, options.threads[0])
            latency_rows(contenders, rows, made)
            first_rows(contenders, rows, options.threads[0])
        finally:
            for each in contenders.all:
                each.close()
    network = options.architecture or "resnet18"
    return {
        "network": network + (", random weights" if options.architecture else f", {models.CHECKPOINT}"),
        "method": f"Turns of {options.block} inferences, one contender after the other, "
        f"{options.rounds} rounds.",
        "machine": machine.describe(ROOT, PROGRAM),
        "checks": checks,
        "missing": contenders.missing,
        "photos": len(labelled[0]) if labelled else None,
        "threads": options.threads,
        "contenders": [row for key, row in rows.items() if key in contenders.kinds()],
    }


class Contenders:
    """Who takes part: a peer that fails is out, with both numbers of threads, and its reason kept."""

    def __init__(self, contenders, missing):
        self.all, self.missing = contenders, missing
        self.times = {each: [] for each in contenders}
        self.fresh = {each: [] for each in contenders}

    def kinds(self):
        """A contender for each runtime and precision."""
        return {(each.runtime, each.precision): each for each in self.all}

    def attempt(self, each, action):
        """What the action returns, or None from a peer that is out."""
        if each not in self.all:
            return None
        try:
            return action(each)
        except Failure as failure:
            if each.runtime in ("ours", "untuned"):
                raise
            self.leave_out(each, str(failure))

    def leave_out(self, each, reason):
        progress(f"{each.runtime} {each.precision} is left out: {reason}")
        self.missing[f"{each.runtime} {each.precision}"] = reason
        kind = (each.runtime, each.precision)
        for other in self.all:
            if (other.runtime, other.precision) == kind:
                other.close()
        self.all = [other for other in self.all if (other.runtime, other.precision) != kind]


def contender(runtime, precision, threads, model, image):
    if runtime in ("ours", "untuned"):
        return Ours(runtime, PROGRAM, model, precision, threads, PHOTO)
    return Peer(runtime, model, precision, threads, image)


def check_logits(contenders, labelled):
    """Makes sure that all run the same network, by its logits of the example photos, and starts each
    contender's row with how often it finds float32's label, and the right one."""
    photos = preprocess.photos(ROOT / "Models/examples")
    kinds = contenders.kinds()
    ours = kinds["ours", "float32"]
    reference = ours.logits(photos)
    labels = (ours.logits(labelled[0]) if labelled else reference).argmax(1)
    rows, lines = {}, []
    for (runtime, precision), each in kinds.items():
        logits = contenders.attempt(each, lambda each: each.logits(photos))
        if logits is None:
            continue
        difference = float(np.abs(logits - reference).max())
        line = (f"{runtime} {precision}: logits within {difference:.2g} of our float32 plan's "
                f"(largest {np.abs(reference).max():.3g}), "
                f"{int((logits.argmax(1) == reference.argmax(1)).sum())} of {len(photos)} labels equal")
        progress(line)
        lines.append(line)
        # Not "greater than": a logit that is no number is wrong, too.
        if precision == "float32" and not difference <= TOLERANCE * np.abs(reference).max():
            contenders.leave_out(each, f"wrong: {line}")
            continue
        row = rows[runtime, precision] = {"runtime": runtime, "precision": precision}
        found = logits.argmax(1)
        if labelled:
            progress(f"top-1 of {runtime} {precision}")
            found = contenders.attempt(each, lambda each: each.logits(labelled[0]).argmax(1))
            if found is None:
                continue
            row["top1"] = float((found == labelled[1]).mean())
        row["agreement"] = float((found == labels).mean())
    return rows, lines


def measure_latency(contenders, rounds, block):
    for turn in range(rounds):
        progress(f"round {turn + 1} of {rounds}")
        for each in list(contenders.all):
            times = contenders.attempt(each, lambda each: each.block(DROPPED + block))
            contenders.times[each] += (times or [])[DROPPED:]


def measure_first(contenders, threads, repeats=5):
    for turn in range(repeats):
        progress(f"fresh processes, {turn + 1} of {repeats}")
        for each in [each for each in contenders.all if each.threads == threads]:
            result = contenders.attempt(each, lambda each: each.first())
            contenders.fresh[each] += [result] if result else []


def latency_rows(contenders, rows, made):
    for each in contenders.all:
        row, times = rows[each.runtime, each.precision], contenders.times[each]
        row["model_bytes"] = models.size(made[each.runtime, each.precision])
        row.setdefault("latency_ms", {})[str(each.threads)] = {
            "min": min(times), "median": statistics.median(times),
            "all": [round(time, 3) for time in times]}
    for key in contenders.kinds():
        ours = rows["ours", OURS[key[1]]]
        for threads, latency in rows[key]["latency_ms"].items():
            latency["ours_ratio"] = ours["latency_ms"][threads]["median"] / latency["median"]


def first_rows(contenders, rows, threads):
    chosen = [each for each in contenders.all if each.threads == threads]
    for each in chosen:
        results = contenders.fresh[each]
        rows[each.runtime, each.precision].update(
            {key: statistics.median(result[key] for result in results) for key in results[0]})
    for each in chosen:
        row = rows[each.runtime, each.precision]
        row["first_ours_ratio"] = rows["ours", OURS[each.precision]]["first_ms"] / row["first_ms"]


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


if __name__ == "__main__":
    main()
