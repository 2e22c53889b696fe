# SPDX-License-Identifier: Apache-2.0
"""The report as Markdown."""

from runtimes import RUNTIMES

NAMES = {"ours": "**ours**", "untuned": "ours, `--no-tuning`"}
NAMES |= {key: peer.name for key, peer in RUNTIMES.items()}


def markdown(report):
    rows = report["contenders"]
    threads = report["threads"]
    lines = [f"{report['network']}, batch 1, 224 × 224. {report['method']}", ""]
    lines += [f"- {key}: {value}" for key, value in report["machine"].items()]
    lines += [f"- {line}" for line in report["checks"]]
    lines += [f"- Left out: {NAMES.get(key, key)}: {reason}" for key, reason in report["missing"].items()]

    lines += ["", "Latency in ms. \"Ours ÷\" is the ratio of the medians: below 1, ours is faster.", ""]
    header = ["", "precision"]
    for count in threads:
        name = "1 thread" if count == 1 else f"{count} threads"
        header += [f"{name}: min", "median", "ours ÷"]
    if len(threads) > 1:
        header.append(f"{threads[-1]} ÷ {threads[0]} threads")
    body = []
    for row in rows:
        cells = [NAMES[row["runtime"]], row["precision"]]
        for count in threads:
            latency = row["latency_ms"][str(count)]
            cells += [_number(latency["min"]), _number(latency["median"]), _ratio(latency["ours_ratio"])]
        if len(threads) > 1:
            first, last = (row["latency_ms"][str(n)]["median"] for n in (threads[0], threads[-1]))
            cells.append(_ratio(last / first))
        body.append(cells)
    lines += _table(header, body)

    lines += ["", "Our fp16 plan ÷ what computes in float32, the ratio of the medians: "
              + "; ".join(_against_float32(rows, threads)) + "."]

    lines += [
        "",
        f"A fresh process, {threads[0]} thread{'s' if threads[0] > 1 else ''}. Load and first"
        " inference: ours from the start of the process to its answer, with decoding the photo; the"
        " others without either, and without starting and importing Python. Peak memory: resident"
        " set, of the others' processes also without Python, NumPy and the imported library. Labels: of "
        + (f"{report['photos']} photos." if report["photos"] else "the example photos."),
        "",
    ]
    header = ["", "precision", "load + first ms", "ours ÷", "peak MB", "without imports", "model MB",
              "float32's label"]
    if any("top1" in row for row in rows):
        header.append("top-1")
    body = []
    for row in rows:
        cells = [
            NAMES[row["runtime"]], row["precision"], _number(row["first_ms"]),
            _ratio(row["first_ours_ratio"]), f"{row['peak_kb'] / 1024:.1f}",
            f"{(row['peak_kb'] - row['imports_kb']) / 1024:.1f}" if "imports_kb" in row else "",
            f"{row['model_bytes'] / 1e6:.1f}",
            f"{100 * row['agreement']:.1f} %",
        ]
        if "top1" in row:
            cells.append(f"{100 * row['top1']:.2f} %")
        body.append(cells)
    lines += _table(header, body)
    return "\n".join(lines) + "\n"


def _against_float32(rows, threads):
    half = next(row for row in rows if row["precision"] == "fp16")
    for row in rows:
        if row["precision"] == "float32":
            ratios = (
                _ratio(half["latency_ms"][str(n)]["median"] / row["latency_ms"][str(n)]["median"])
                + f" with {n} thread{'s' if n > 1 else ''}" for n in threads)
            yield f"{NAMES[row['runtime']].strip('*')} {', '.join(ratios)}"


def _table(header, body):
    alignment = ["---", "---"] + ["---:"] * (len(header) - 2)
    return [f"| {' | '.join(cells)} |" for cells in (header, alignment, *body)]


def _number(value):
    return f"{value:.2f}"


def _ratio(value):
    return f"{value:.2f}"
