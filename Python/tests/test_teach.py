# SPDX-License-Identifier: Apache-2.0
import shutil
import unittest

import resnet_runtime
from resnet_runtime import Session, TeachError, teach
from support import CHURCH, MODELS, plan_path, scratch


def folders(name, *classes):
    """Folders with three copies of a photo each, which differ in a byte that no decoder reads."""
    root = scratch() / name
    shutil.rmtree(root, ignore_errors=True)
    for photo in classes:
        (root / photo).mkdir(parents=True)
        content = (MODELS / "examples" / f"{photo}.jpg").read_bytes()
        for index in range(3):
            (root / photo / f"{index}.jpg").write_bytes(content + bytes([index]))
    return root


class Teach(unittest.TestCase):
    def test_own_classes(self):
        lines = []
        taught = teach(
            plan_path(), folders("two", "church", "tench"), scratch() / "two.plan", flip=True, reject="5%",
            progress=lines.append)
        self.assertEqual(taught.plan.class_names, ["church", "tench"])
        self.assertEqual((taught.top1, taught.report["photos"]), (1, 6))
        self.assertTrue(any("church has 3 photos" in line for line in lines))
        session = Session(taught.plan)
        self.assertEqual(session.classify(CHURCH)[0].label, "church")
        self.assertFalse(session.unknown)
        session.run_photo(MODELS / "examples" / "golf-ball.jpg")
        self.assertTrue(session.unknown)

    def test_the_words_of_the_tool(self):
        with self.assertRaisesRegex(TeachError, "expected folders of at least 2 classes, found 1"):
            teach(plan_path(), folders("one", "church"), scratch() / "one.plan")
        with self.assertRaisesRegex(TeachError, "unknown option --nonsense"):
            teach(plan_path(), folders("one", "church"), scratch() / "one.plan", nonsense=True)
        self.assertFalse((scratch() / "one.plan").exists())
        self.assertTrue(issubclass(TeachError, resnet_runtime.ResNetError))
