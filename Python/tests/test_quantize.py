# SPDX-License-Identifier: Apache-2.0
import importlib.util
import json
import unittest
from unittest import mock

import numpy as np
import resnet_runtime
from resnet_runtime import ArgumentError, QuantizeError, Session, _quantize, quantize
from support import MODELS, image, plan_path, scratch, tool

CHECKPOINT = MODELS / "resnet18-imagenette.safetensors"
CLASSES = (MODELS / "classes.txt").read_text().splitlines()


def state():
    """The tensors of the shipped checkpoint, as float32: its file has the halves of bfloat16 or float16."""
    content = CHECKPOINT.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    tensors = {}
    for name, entry in json.loads(content[8:end]).items():
        if name == "__metadata__":
            continue
        start, stop = entry["data_offsets"]
        data = content[end + start:end + stop]
        if entry["dtype"] == "BF16":
            array = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
        else:
            array = np.frombuffer(data, {"F16": "<f2", "F32": "<f4", "I64": "<i8"}[entry["dtype"]])
        tensors[name] = array.reshape(entry["shape"])
    return tensors


def logits(plan):
    return Session(plan, threads=1).run(image()).tobytes()


class Quantize(unittest.TestCase):
    def test_does_what_the_tool_does(self):
        path = scratch() / "tool.plan"
        done = tool(
            "resnet-quantize", CHECKPOINT, "--calibration", MODELS / "calibration", "--classes", MODELS / "classes.txt",
            "-o", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(path.read_bytes(), plan_path().read_bytes())

    def test_state_dicts_and_modules(self):
        class Module:
            def state_dict(self):
                return state()

        expected = quantize(CHECKPOINT, None, scratch() / "fp16.plan", precision="fp16", progress=str, quiet=True)
        for source in [state(), Module()]:
            plan = quantize(
                source, None, scratch() / "state.plan", precision="fp16", classes=CLASSES, progress=str, quiet=True)
            self.assertEqual(logits(plan), logits(expected))
            self.assertEqual(plan.class_names, CLASSES)

    @unittest.skipUnless(importlib.util.find_spec("torch"), "needs torch")
    def test_modules_of_torch(self):
        import torch

        class Module(torch.nn.Module):
            def state_dict(self):
                tensors = {name: torch.tensor(array) for name, array in state().items()}
                return {name: tensor.bfloat16() if tensor.is_floating_point() else tensor
                        for name, tensor in tensors.items()}

        plan = quantize(Module(), None, scratch() / "torch.plan", precision="fp32", progress=str, quiet=True)
        self.assertEqual(plan.class_count, 10)

    def test_progress_and_options(self):
        lines = []
        report = scratch() / "report.json"
        plan = quantize(
            CHECKPOINT, MODELS / "calibration", scratch() / "reported.plan", method="min-max", bias_correction=False,
            threads=1, report=[report, scratch() / "report.html"], progress=lines.append)
        self.assertTrue(any("int8" in line and "reported.plan" in line for line in lines), lines)
        self.assertTrue(any("same label for" in line for line in lines), lines)
        self.assertNotIn("bias correction", plan.provenance["calibration"])
        self.assertIn("method min-max", plan.provenance["calibration"])
        self.assertTrue(json.loads(report.read_text()))

    def test_what_was_assumed_is_logged(self):
        with self.assertLogs("resnet_runtime", "WARNING") as logged:
            quantize(CHECKPOINT, None, scratch() / "logged.plan", precision="fp32")
        self.assertTrue(any("preprocessing" in line for line in logged.output), logged.output)

    def test_failures(self):
        output = scratch() / "failed.plan"
        for words, arguments, options in [
            ("int8 needs --calibration", [CHECKPOINT, None], {}),
            ("missing.pth: ", ["missing.pth", None], {"precision": "fp16"}),
            ("no-such-option", [CHECKPOINT, None], {"precision": "fp16", "no_such_option": 5}),
            ("expected --threads|threads", [CHECKPOINT, None], {"precision": "fp16", "threads": 0}),
            ("weight|tensor", [{"weight": np.zeros(3, np.float32)}, None], {"precision": "fp16"}),
        ]:
            with self.subTest(words), self.assertRaisesRegex(QuantizeError, words):
                quantize(*arguments, output, progress=str, **options)
        self.assertFalse(output.exists())
        with self.assertRaisesRegex(ArgumentError, "found <U1 in name"):
            quantize({"name": np.array("x")}, None, output, precision="fp16")
        with self.assertRaisesRegex(ArgumentError, "of one line, found 'two\\\\nlines'"):
            quantize(CHECKPOINT, None, output, precision="fp16", classes=["one", "two\nlines"])

    def test_without_the_tool(self):
        with mock.patch.object(_quantize, "__file__", "/nowhere/_quantize.py"), \
                mock.patch("shutil.which", lambda _: None), \
                self.assertRaisesRegex(QuantizeError, "make the plan on an x86-64 machine"):
            resnet_runtime.quantize(CHECKPOINT, None, scratch() / "none.plan")
