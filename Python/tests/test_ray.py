# SPDX-License-Identifier: Apache-2.0
import unittest

import numpy as np
import PIL.Image
from resnet_runtime.ray import Classifier
from support import CHURCH, PHOTOS, plan_path, session, tool_logits


class Batches(unittest.TestCase):
    """What Ray calls; the tests of a cluster are in test_ray_cluster.py."""

    def test_bytes_paths_and_arrays(self):
        expected = tool_logits(*PHOTOS)
        classifier = Classifier(plan_path(), column="photo", outputs=["logits", "features"], threads=1)
        for photos in [
                np.array([photo.read_bytes() for photo in PHOTOS], object), np.array([str(photo) for photo in PHOTOS])]:
            found = classifier({"photo": photos, "id": np.arange(len(PHOTOS))})
            self.assertEqual(set(found), {"id", "label", "index", "probability", "error", "logits", "features"})
            np.testing.assert_array_equal(found["logits"], expected)
            np.testing.assert_array_equal(found["index"], expected.argmax(1))
            np.testing.assert_array_equal(found["id"], np.arange(len(PHOTOS)))
            self.assertEqual(found["features"].shape, (len(PHOTOS), 512))
            self.assertTrue(all(label.split(" ", 1)[1].lower().replace(" ", "-") == photo.stem
                                for label, photo in zip(found["label"], PHOTOS)))
            self.assertEqual(set(found["error"]), {""})
        with PIL.Image.open(CHURCH) as pillow, session() as it:
            arrays = np.asarray(pillow)[None]
            np.testing.assert_array_equal(classifier({"photo": arrays})["logits"][0], it.run_photo(CHURCH))

    def test_damaged_photos_are_told(self):
        photos = np.array([CHURCH.read_bytes(), b"nonsense", CHURCH.read_bytes()[:100]], object)
        found = Classifier(plan_path(), outputs=["logits"], threads=1)({"image": photos})
        self.assertEqual(found["label"].tolist(), ["n03028079 church", "", ""])
        self.assertEqual(found["index"].tolist(), [4, -1, -1])
        self.assertEqual(found["error"][0], "")
        self.assertIn("expected a JPEG or PNG image", found["error"][1])
        self.assertTrue(found["error"][2])
        self.assertTrue(np.isnan(found["logits"][1:]).all() and np.isnan(found["probability"][1:]).all())
        missing = Classifier(plan_path(), threads=1)({"image": np.array(["missing.jpg"])})
        self.assertIn("missing.jpg", missing["error"][0])

    def test_empty(self):
        found = Classifier(plan_path(), threads=1)({"image": np.array([], object)})
        self.assertEqual({len(values) for values in found.values()}, {0})
