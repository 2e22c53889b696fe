# SPDX-License-Identifier: Apache-2.0
import shutil
import unittest

import numpy as np
import PIL.Image
import resnet_runtime
from resnet_runtime import ArgumentError, FileError, Plan, Session, TeachError, teach, teach_features
from support import CHURCH, MODELS, PHOTOS, plan_path, scratch, tool


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


def features_of(photos):
    with Session(plan_path(), threads=1) as session:
        return np.array([session.run_photo(photo, "features").copy() for photo in photos])


def logits_of(plan):
    with Session(plan, threads=1) as session:
        return np.array([session.run_photo(photo) for photo in PHOTOS])


def cropped(photo):
    """A photo as the plan has it prepared."""
    with PIL.Image.open(photo) as image:
        factor = 256 / min(image.size)
        width, height = (round(side * factor) for side in image.size)
        left, top = (width - 224) // 2, (height - 224) // 2
        resized = image.convert("RGB").resize((width, height), PIL.Image.Resampling.BILINEAR)
        return np.asarray(resized.crop((left, top, left + 224, top + 224)))


class TeachFeatures(unittest.TestCase):
    def test_the_classifier_of_a_folder(self):
        root = folders("three", "church", "parachute", "tench")
        photos = sorted(root.glob("*/*.jpg"))
        expected = teach(plan_path(), root, scratch() / "three.plan", reject="5%")
        # In any order of the classes, but not of the photos of one.
        order = np.argsort([photo.name for photo in photos], kind="stable")
        features, labels = features_of(photos)[order], [photos[i].parent.name for i in order]
        for plan in (plan_path(), Plan(plan_path())):
            taught = teach_features(plan, features, labels, scratch() / "features.plan", reject=0.05)
            np.testing.assert_array_equal(logits_of(taught.plan), logits_of(expected.plan))
            self.assertEqual(taught.plan.class_names, ["church", "parachute", "tench"])
            self.assertEqual(taught.top1, expected.top1)
            for key in ("photos", "right", "folds", "classes"):
                self.assertEqual(taught.report[key], expected.report[key], key)
            for key in ("interval", "loss", "strength", "temperature"):
                np.testing.assert_allclose(taught.report[key], expected.report[key], rtol=0, atol=2e-6)
            self.assertEqual(len(taught.report["verdicts"]), 9)
            unknown = expected.report["unknown"]
            self.assertAlmostEqual(taught.report["unknown"]["caught"], unknown["caught_by_" + unknown["by"]], 5)
            self.assertIn("9 of 3 classes", taught.plan.provenance["taught features"])
        with Session(taught.plan) as session:
            session.run_photo(CHURCH)
            self.assertFalse(session.unknown)
            session.run_photo(MODELS / "examples" / "golf-ball.jpg")
            self.assertTrue(session.unknown)
        known, stranger = cropped(CHURCH), cropped(MODELS / "examples" / "golf-ball.jpg")
        with Session(taught.plan, batch=2) as session:
            for images, is_unknown in [([stranger, known], False), ([known, stranger], True)]:
                session.run(images)
                self.assertEqual(session.unknown, is_unknown)

    def test_verdicts_are_in_the_order_of_the_rows(self):
        rng = np.random.default_rng(1)
        labels = ["b", "a"] * 10
        features = rng.normal(size=(20, 512)) + 3 * np.array([[label == "a"] for label in labels])
        labels[4] = "a"
        taught = teach_features(plan_path(), features, labels, scratch() / "verdicts.plan")
        self.assertEqual(
            [row for row, verdict in enumerate(taught.report["verdicts"]) if verdict["best"] != verdict["class"]], [4])
        self.assertEqual(taught.report["verdicts"][4], {"class": 0, "best": 1})
        self.assertEqual(taught.report["classes"][0], {"name": "a", "photos": 11, "named": [10, 1]})
        self.assertEqual((taught.report["right"], "unknown" in taught.report), (19, False))

    def test_wrong_arguments(self):
        path = scratch() / "wrong.plan"
        features = np.random.default_rng(1).normal(size=(4, 512)).astype(np.float32)
        labels = ["a", "a", "b", "b"]

        def refuses(words, features=features, labels=labels, error=ArgumentError, path=path, **options):
            with self.assertRaisesRegex(error, words):
                teach_features(plan_path(), features, labels, path, **options)

        refuses(r"shape \(4, 512\): a row for each label, found \(4, 511\)", features[:, 1:])
        refuses(r"shape \(3, 512\)", labels=labels[:3])
        refuses("shape", features.ravel())
        refuses("expected 2 to 4096 classes, found 1", labels=["a"] * 4)
        refuses("at least 2 photos of class 1, found 1", labels=["a", "a", "a", "b"])
        maps = scratch() / "no-features.plan"
        tool("resnet-quantize", "--random", "resnet18", "--input-size", "32", "--outputs", "layer1", "-q", "-o",
             maps).check_returncode()
        with self.assertRaisesRegex(ArgumentError, "expected a plan with the output features, found one without"):
            teach_features(maps, None, labels, path)
        refuses("names of classes as str, found 0", labels=[0, 0, 1, 1])
        refuses("names of classes as str, found b'a'", labels=[b"a", b"a", "b", "b"])
        refuses("without control characters", labels=["\ud800", "\ud800", "b", "b"])
        refuses("names of 1 to 255 bytes, found none of class 0", labels=["", "", "b", "b"])
        refuses("without control characters", labels=["a\n", "a\n", "b", "b"])
        refuses("without zero bytes", labels=["a\0", "a\0", "b", "b"])
        refuses("a share to reject of 0 to 0.5", reject=0.6)
        refuses("a share to reject of 0 to 0.5", reject=float("nan"))
        refuses("features of -1e15 to 1e15", np.full((4, 512), np.nan))
        refuses("photos that differ", np.ones((4, 512)))
        refuses("expected 2 to 4096 classes, found 0", np.empty((0, 512)), [])
        refuses("none/there.plan: No such file", error=FileError, path=scratch() / "none" / "there.plan")
        self.assertFalse(path.exists())
        with self.assertRaisesRegex(ArgumentError, "an open plan"):
            closed = Plan(plan_path())
            closed.close()
            teach_features(closed, features, labels, path)
