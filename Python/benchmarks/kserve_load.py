#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads the server of resnet_runtime.kserve from this machine, by REST and gRPC, and compares with a bare pool of
sessions. The clients take CPU time too: it is told, and what is left when it is taken away.

    python Python/benchmarks/kserve_load.py --plan resnet18.plan --seconds 60 Models/examples/*.jpg
"""

import argparse
import importlib
import multiprocessing
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import resnet_runtime


def bare(plan, photos, sessions, seconds):
    """Images per second of a session in each thread, without a server, and the milliseconds of CPU for one."""
    counts = [0] * sessions

    def run(thread):
        with resnet_runtime.Session(plan, threads=1, tuning="measured") as session:
            start.wait()
            while time.perf_counter() < end:
                session.classify(photos[counts[thread] % len(photos)], top=1)
                counts[thread] += 1

    start, end = threading.Barrier(sessions + 1), float("inf")
    threads = [threading.Thread(target=run, args=[thread]) for thread in range(sessions)]
    for thread in threads:
        thread.start()
    begin, cpu = time.perf_counter(), time.process_time()
    end = begin + seconds
    start.wait()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begin), 1000 * (time.process_time() - cpu) / sum(counts)


def client(kind, port, photos, batch, seconds, results):
    """One connection that sends a request when the last one is answered."""
    module = importlib.import_module(f"tritonclient.{kind}")
    connection = module.InferenceServerClient(f"127.0.0.1:{port}")
    batches = [
        np.array([photos[(first + index) % len(photos)] for index in range(batch)], np.object_)
        for first in range(len(photos))]
    tensor = module.InferInput("image", [batch], "BYTES")
    outputs = [module.InferRequestedOutput(name) for name in ("label", "probability")]
    latencies, sent = [], 0
    # The first requests make connections and memory.
    begin = time.perf_counter() + min(2, seconds / 4)
    cpu = None
    while (start := time.perf_counter()) < begin + seconds:
        if cpu is None and start >= begin:
            cpu = time.process_time()
        tensor.set_data_from_numpy(batches[sent % len(batches)])
        answer = connection.infer("load", [tensor], outputs=outputs)
        assert len(answer.as_numpy("label")) == batch
        sent += 1
        if cpu is not None:
            latencies.append(time.perf_counter() - start)
    results.put((latencies, time.process_time() - cpu))


def cpu_seconds(process):
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--plan", required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--sessions", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--clients", type=int, help="connections (default: twice the sessions)")
    parser.add_argument("--batch", type=int, default=1, help="photos of a request")
    options = parser.parse_args()
    photos = [photo.read_bytes() for photo in options.photos]
    clients = options.clients or 2 * options.sessions

    server = subprocess.Popen(
        [sys.executable, "-m", "resnet_runtime.kserve", "--plan", options.plan, "--model_name", "load", "--http_port",
         "0", "--grpc_port", "0", "--sessions", str(options.sessions)], stdout=subprocess.PIPE, text=True)
    server.stdout.readline()
    ports = re.findall(r":(\d+)", server.stdout.readline())
    cpus = len(os.sched_getaffinity(0))
    print(f"{options.sessions} sessions of one thread, {clients} connections, {options.batch} photos a request, "
          f"{cpus} CPUs, {options.seconds:g} s each")
    context = multiprocessing.get_context("spawn")
    for kind, port in [("http", ports[0]), ("grpc", ports[1])]:
        first = bare(options.plan, photos, options.sessions, options.seconds / 2)
        results = context.Queue()
        senders = [
            context.Process(target=client, args=[kind, port, photos, options.batch, options.seconds, results])
            for _ in range(clients)]
        before = cpu_seconds(server.pid)
        for sender in senders:
            sender.start()
        found = [results.get() for _ in senders]
        for sender in senders:
            sender.join()
        served_cpu = cpu_seconds(server.pid) - before
        second = bare(options.plan, photos, options.sessions, options.seconds / 2)
        latencies = np.sort(np.concatenate([latencies for latencies, _ in found])) * 1000
        count = len(latencies) * options.batch
        rate = count / options.seconds
        sender_cpu = sum(cpu for _, cpu in found) / count * 1000
        # Of the server's CPU time some belongs to the requests before the measurement.
        share = options.seconds / (options.seconds + min(2, options.seconds / 4))
        server_cpu = served_cpu * share / count * 1000
        bare_rate, bare_cpu = (first[0] + second[0]) / 2, (first[1] + second[1]) / 2
        p50, p99 = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
        print(
            f"{kind}: {rate:.0f} images/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms; bare: {bare_rate:.0f} images/s; "
            f"{rate / bare_rate:.2f} of it\n"
            f"  CPU ms an image: bare {bare_cpu:.2f}, server {server_cpu:.2f}, clients {sender_cpu:.2f}; "
            f"bare / server: {bare_cpu / server_cpu:.2f}")
    server.terminate()
    server.wait()
    server.stdout.close()


if __name__ == "__main__":
    main()
