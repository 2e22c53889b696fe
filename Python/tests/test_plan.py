# SPDX-License-Identifier: Apache-2.0
import os
import unittest
from pathlib import Path

from resnet_runtime import ArgumentError, FileError, Plan, PlanError, Session
from support import image, plan_path, tool


class Plans(unittest.TestCase):
    def test_facts(self):
        plan = Plan(plan_path())
        self.assertEqual(plan.input_shape, (224, 224, 3))
        self.assertEqual((plan.class_count, plan.feature_count), (10, 512))
        self.assertEqual(plan.byte_count, plan_path().stat().st_size)
        self.assertEqual(plan.class_names[4], "n03028079 church")
        self.assertIn("ResNet18", plan.summary)
        self.assertEqual(plan.provenance["precision"], "int8")
        self.assertEqual((plan.preprocessing.fit, plan.preprocessing.resize), ("crop", (256, 256)))
        self.assertAlmostEqual(plan.preprocessing.mean[0], 0.485, places=6)
        self.assertEqual(plan.memory(threads=1), Session(plan, threads=1).byte_count)
        self.assertLess(plan.memory(threads=1), plan.memory(threads=1, tuning="measured"))

    def test_paths_and_bytes_are_the_same(self):
        expected = Session(plan_path(), threads=1).run(image()).tobytes()
        content = plan_path().read_bytes()
        for source in [
                str(plan_path()), Plan(plan_path(), load=True), content, bytearray(content), memoryview(content)]:
            self.assertEqual(Session(source, threads=1).run(image()).tobytes(), expected)

    def test_what_is_no_plan(self):
        content = plan_path().read_bytes()
        for wrong in [b"", b"RNPLAN", content[:1000], content[:-1], b"\0" * 1000]:
            with self.assertRaises((PlanError, FileError)):
                Plan(wrong)
        for wrong in ["missing.plan", "/", ""]:
            with self.assertRaises(FileError) as raised:
                Plan(wrong)
            self.assertIsInstance(raised.exception, OSError)
            self.assertTrue(str(raised.exception).startswith(f"{wrong}: "))
        with self.assertRaisesRegex(ArgumentError, "without zero bytes"):
            Plan("resnet18.plan\0.txt")
        with self.assertRaises(TypeError):
            Plan(18)

    def test_words_are_those_of_the_tool(self):
        for source in [Path(__file__), Path("missing.plan")]:
            with self.assertRaises((PlanError, FileError)) as raised:
                Plan(source)
            self.assertEqual(tool("resnet-run", source, "photo.jpg").stderr, f"resnet-run: {raised.exception}\n")

    def test_paths_with_any_bytes(self):
        path = os.fsencode(plan_path().parent) + b"/\xff plan"
        os.link(plan_path(), path)
        self.assertEqual(Plan(os.fsdecode(path)).class_count, 10)
