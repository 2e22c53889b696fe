# SPDX-License-Identifier: Apache-2.0
"""A Ray of two nodes on this machine, of which one is killed. RESNET_RAY_PHOTOS says how many photos they get."""

import importlib.util
import json
import os
import subprocess
import time
import unittest
from collections import Counter

import resnet_runtime
from support import PHOTOS, plan_path, scratch, tool

COUNT = int(os.environ.get("RESNET_RAY_PHOTOS", "300"))


@unittest.skipUnless(importlib.util.find_spec("ray"), "needs ray: RESNET_SLOW_TESTS=1 installs it")
class Cluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        import ray
        from ray.cluster_utils import Cluster

        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        memory = 200_000_000
        cls.cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": memory})
        cls.nodes = [cls.cluster.add_node(num_cpus=1, object_store_memory=memory) for _ in range(2)]
        cls.cluster.wait_for_nodes()
        ray.init(address=cls.cluster.address, log_to_driver=False)
        lines = tool("resnet-run", plan_path(), *PHOTOS, "--top", "1", "--json").stdout.splitlines()
        cls.expected = {line["file"]: line["top"][0]["index"] for line in map(json.loads, lines)}

    @classmethod
    def tearDownClass(cls):
        import ray
        ray.shutdown()
        cls.cluster.shutdown()

    def found(self, count):
        import ray
        from resnet_runtime.ray import Classifier

        files = [str(PHOTOS[index % len(PHOTOS)]) for index in range(count)]
        photos = ray.data.from_items(
            [{"id": index, "photo": file, "file": file} for index, file in enumerate(files)],
            override_num_blocks=max(2, count // 50))
        return photos.map_batches(
            Classifier, fn_constructor_args=[plan_path()], fn_constructor_kwargs={"column": "photo"},
            batch_size=25, num_cpus=1, compute=ray.data.ActorPoolStrategy(min_size=1, max_size=2))

    def check(self, rows, count):
        self.assertEqual(Counter(row["id"] for row in rows), Counter(range(count)))
        for row in rows:
            self.assertEqual((row["error"], row["index"]), ("", self.expected[row["file"]]))

    def test_1_every_photo_is_answered_once(self):
        folder = scratch() / "labelled"
        for index in range(COUNT):
            photo = PHOTOS[index % len(PHOTOS)]
            place = folder / resnet_runtime.Plan(plan_path()).class_names[self.expected[str(photo)]].split()[0]
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{index}.jpg").symlink_to(photo)
        start = time.perf_counter()
        subprocess.run(
            ["resnet-run", plan_path(), "--evaluate", folder, "--threads", "2"], check=True, capture_output=True)
        tool_rate = COUNT / (time.perf_counter() - start)
        start = time.perf_counter()
        rows, times = [], []
        for batch in self.found(COUNT).iter_batches(batch_size=None, batch_format="pandas"):
            rows += batch.to_dict("records")
            times.append((len(rows), time.perf_counter()))
        (first, first_time), (_, last_time) = times[0], times[-1]
        print(
            f"\nresnet-run: {tool_rate:.0f} photos/s; Ray: {COUNT / (last_time - start):.0f} with the start of its "
            f"actors, {(COUNT - first) / max(last_time - first_time, 1e-9):.0f} after its first block")
        self.check(rows, COUNT)

    def test_1_actors_have_the_threads_that_ray_gives_them(self):
        import ray
        from resnet_runtime.ray import Classifier

        @ray.remote(num_cpus=1)
        def threads(plan):
            return Classifier(plan).session.threads

        self.assertEqual(ray.get(threads.remote(plan_path())), 1)

    def test_2_a_killed_node_loses_nothing(self):
        rows = []
        for row in self.found(COUNT).iter_rows():
            rows.append(row)
            if len(rows) == COUNT // 4:
                self.cluster.remove_node(self.nodes[1], allow_graceful=False)
        self.check(rows, COUNT)
