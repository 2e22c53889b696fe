# SPDX-License-Identifier: Apache-2.0
"""What the figures depend on: the machine and the versions."""

import datetime
import os
import platform
import subprocess
from pathlib import Path

from runtimes import RUNTIMES

HERE = Path(__file__).parent


def describe(root, program):
    ours = _output([program, "--version"])
    commit = _output(["git", "-C", root, "describe", "--always", "--dirty"])
    governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return {
        "CPU": f"{_cpu()}, {len(os.sched_getaffinity(0))} usable"
        + (f", governor {governor.read_text().strip()}" if governor.exists() else ""),
        "System": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "Ours": f"{ours}, commit {commit or 'unknown'}",
        "Peers": ", ".join(_versions()) + f", Python {platform.python_version()}",
        "Date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _versions():
    for peer in RUNTIMES.values():
        lines = (HERE / f"requirements/{peer.environment}.txt").read_text().splitlines()
        pinned = dict(line.split("==") for line in lines if "==" in line)
        yield " + ".join(f"{package} {pinned[package]}" for package in peer.packages)


def _cpu():
    fields = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    # Virtual machines often hide the model's name; the numbers tell it.
    name = fields.get("model name") or fields.get("Model") or platform.machine()
    if "cpu family" in fields:
        name += f" (family {fields['cpu family']}, model {fields['model']}, stepping {fields['stepping']})"
    levels = [f for f in ("avx2", "avx_vnni", "avx512_vnni", "amx_int8", "asimddp")
              if f in fields.get("flags", fields.get("Features", "")).split()]
    return f"{name}, {' '.join(levels)}" if levels else name


def _output(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
