# SPDX-License-Identifier: Apache-2.0
import ctypes
import gc
import io
import multiprocessing
import os
import threading
import time
import unittest
from unittest import mock

import numpy as np
import PIL.Image
import resnet_runtime
from resnet_runtime import ArgumentError, BusyError, ImageError, Session, SessionError, _library
from support import CHURCH, PHOTOS, SIDE, image, plan_path, scratch, session, tool, tool_logits


class Photos(unittest.TestCase):
    def test_all_are_classified_right(self):
        with session() as it:
            for photo in PHOTOS:
                label = it.classify(photo, top=1)[0].label.split(" ", 1)[1]
                self.assertEqual(label.lower().replace(" ", "-"), photo.stem)

    def test_logits_have_the_bits_of_the_tool(self):
        with session() as it:
            found = np.stack([it.run_photo(photo).copy() for photo in PHOTOS])
        self.assertEqual(found.tobytes(), tool_logits(*PHOTOS).tobytes())

    def test_paths_bytes_images_and_arrays_are_the_same(self):
        with session() as it, PIL.Image.open(CHURCH) as pillow:
            expected = it.run_photo(CHURCH).copy()
            array = np.asarray(pillow)
            content = CHURCH.read_bytes()
            wide = np.zeros((array.shape[0], array.shape[1] + 5, 3), np.uint8)
            wide[:, :-5] = array
            for photo in [
                    str(CHURCH), content, bytearray(content), memoryview(content), pillow, array, wide[:, :-5],
                    array[::-1, ::-1][::-1, ::-1], np.asfortranarray(array), array.tolist()]:
                if isinstance(photo, list):
                    photo = np.array(photo, np.uint8)
                np.testing.assert_array_equal(it.run_photo(photo), expected)

    def test_images_of_pillow_are_turned_upright(self):
        with session() as it, PIL.Image.open(CHURCH) as pillow:
            exif = PIL.Image.Exif()
            exif[0x0112] = 6
            turned = io.BytesIO()
            pillow.save(turned, "JPEG", exif=exif, quality=100, subsampling=0)
            expected = it.run_photo(turned.getvalue()).copy()
            np.testing.assert_array_equal(it.run_photo(PIL.Image.open(turned)), expected)
            self.assertTrue((it.run_photo(pillow) != expected).any())

    def test_grey_is_its_three_equal_channels(self):
        with session() as it, PIL.Image.open(CHURCH) as pillow:
            grey = np.asarray(pillow.convert("L"))
            expected = it.run_photo(np.repeat(grey[:, :, None], 3, 2)).copy()
            np.testing.assert_array_equal(it.run_photo(grey), expected)
            np.testing.assert_array_equal(it.run_photo(pillow.convert("L")), expected)

    def test_what_is_no_photo(self):
        with session() as it:
            content = CHURCH.read_bytes()
            for photo in [b"", b"GIF89a", content[:100], content[:2], np.random.default_rng(0).bytes(10_000)]:
                with self.assertRaises((ImageError, ArgumentError)):
                    it.classify(photo)
            for photo in [5, None, object(), np.zeros((3, 3, 4), np.uint8), np.zeros((0, 3, 3), np.uint8),
                          np.zeros((3, 0), np.uint8), np.zeros((3, 3, 3)), np.zeros(3, np.uint8)]:
                with self.assertRaises((ArgumentError, ImageError)):
                    it.classify(photo)
            with self.assertRaises(FileNotFoundError):
                it.classify("missing.jpg")
            with self.assertRaisesRegex(ImageError, "pixels"):
                session(max_image_pixels=1000).classify(CHURCH)
            self.assertTrue(it.classify(CHURCH, top=1)[0].label.endswith("church"))

    def test_words_are_those_of_the_tool(self):
        damaged = CHURCH.read_bytes()[:100]
        with self.assertRaises(ImageError) as raised:
            session().classify(damaged)
        path = plan_path().with_name("damaged.jpg")
        path.write_bytes(damaged)
        self.assertEqual(tool("resnet-run", plan_path(), path).stderr, f"resnet-run: {path}: {raised.exception}\n")


class Arrays(unittest.TestCase):
    def test_one_and_several(self):
        images = [image(seed) for seed in range(3)]
        with session() as it:
            expected = np.stack([it.run(one).copy() for one in images])
            self.assertEqual(expected.shape, (3, it.plan.class_count))
            self.assertEqual(expected.dtype, np.float32)
            for several in [images, tuple(images), np.stack(images)]:
                np.testing.assert_array_equal(it.run(several), expected)
            self.assertEqual(it.run([]).shape, (0, it.plan.class_count))
            self.assertEqual(it.run(images, "features").shape, (3, it.plan.feature_count))

    def test_a_batch_gives_the_answers_of_one_image_at_a_time(self):
        images = np.stack([image(seed) for seed in range(5)])
        with session() as alone, session(threads=2, batch=3) as it:
            self.assertEqual(it.batch, 3)
            self.assertGreater(it.byte_count, alone.byte_count)
            for output in ["logits", "features", "probabilities"]:
                expected = alone.run(images, output)
                self.assertEqual(len(np.unique(expected, axis=0)), 5)
                for several in [images, list(images), images[:, ::-1].copy()[:, ::-1]]:
                    np.testing.assert_array_equal(it.run(several, output), expected)
                # Of three and two images, the outputs are now those of the last one, and then those of one alone.
                np.testing.assert_array_equal(it.logits, alone.logits)
                np.testing.assert_array_equal(it.output("features"), alone.output("features"))
                self.assertEqual(it.top(3), alone.top(3))
                np.testing.assert_array_equal(it.run(images[0], output), expected[0])
            self.assertEqual(it.run([]).shape, (0, it.plan.class_count))
            for wrong in [images[:, :100], images.astype(np.float32), [images[0], images[1, :100]]]:
                with self.assertRaisesRegex(ArgumentError, "expected an image of uint8"):
                    it.run(wrong)
        for batch in [0, 65, -1]:
            with self.assertRaisesRegex(ArgumentError, "a batch of 1 to 64"):
                session(batch=batch)
        self.assertGreater(it.plan.memory(threads=2, batch=8), it.plan.memory(threads=2))

    def test_maps_of_a_batch(self):
        path = scratch() / "maps.plan"
        tool("resnet-quantize", "--random", "resnet18", "--input-size", "64", "--outputs", "layer3,features", "-q", "-o",
             path).check_returncode()
        images = np.random.default_rng(3).integers(0, 256, (5, 64, 64, 3), np.uint8)
        with Session(path, threads=1) as alone, Session(path, threads=2, batch=3) as it:
            expected = alone.run(images, "layer3")
            self.assertEqual(expected.shape, (5, 256, 4, 4))
            self.assertEqual(len(np.unique(expected.reshape(5, -1), axis=0)), 5)
            np.testing.assert_array_equal(it.run(images, "layer3"), expected)
            for layout in ["nchw", "nhwc"]:
                raw = alone.output("layer3", layout=layout, raw=True)
                np.testing.assert_array_equal(it.output("layer3", layout=layout, raw=True), raw)
            found = it.plan.outputs["layer3"]
            values = found.scale * (raw.transpose(2, 0, 1).astype(np.float32) - found.zero_point)
            np.testing.assert_allclose(values, expected[4], rtol=0, atol=found.scale)
            for wrong in ["layer2", "logits"]:
                with self.assertRaises(ArgumentError):
                    it.run(images, wrong)

    def test_rows_may_lie_apart_or_backwards(self):
        with session() as it:
            expected = it.run(image()).copy()
            wide = np.zeros((224, 300, 3), np.uint8)
            wide[:, :224] = image()
            for same in [wide[:, :224], image()[::-1].copy()[::-1], np.asfortranarray(image()),
                         image()[:, :, ::-1].copy()[:, :, ::-1]]:
                np.testing.assert_array_equal(it.run(same), expected)

    def test_wrong_shapes_and_types(self):
        with session() as it:
            for wrong in [image()[:-1], image()[:, :, :2], image()[0], image().astype(np.float32),
                          image().astype(np.int8), np.zeros((3, 224, 224), np.uint8), 7, None, "photo.jpg"]:
                with self.assertRaisesRegex(ArgumentError, r"^expected an image of uint8 and shape \(224, 224, 3\)"):
                    it.run(wrong)
            with self.assertRaisesRegex(ArgumentError, "^expected one of the outputs features, logits, found 'nonsense'$"):
                it.run(image(), "nonsense")

    def test_outputs_belong_to_the_last_run(self):
        with session() as it:
            with self.assertRaisesRegex(ArgumentError, "expected a run before"):
                it.logits
            logits = it.run(image())
            probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
            np.testing.assert_allclose(it.probabilities, probabilities, rtol=1e-5)
            self.assertEqual(it.features.shape, (it.plan.feature_count,))
            best = it.top(3)
            self.assertEqual([guess.index for guess in best], np.argsort(-logits, kind="stable")[:3].tolist())
            self.assertEqual(best[0].probability, it.probabilities[best[0].index])
            self.assertEqual(best[0].label, it.plan.class_names[best[0].index])
            self.assertEqual(len(it.top(1000)), 10)
            for wrong in [0, -1, 10**30]:
                with self.assertRaisesRegex(ArgumentError, "expected a count"):
                    it.top(wrong)

    def test_views_are_overwritten_but_never_dangle(self):
        it = session()
        view = it.run(image(0))
        first = view.copy()
        self.assertIs(it.run(image(1)), view)
        self.assertTrue((view != first).any())
        second = view.copy()
        with self.assertRaises(ValueError):
            view[0] = 0
        it.close()
        del it
        gc.collect()
        others = [session() for _ in range(3)]
        np.testing.assert_array_equal(view, second)
        del others


class BuffersThatComeAgain(unittest.TestCase):
    def test_what_they_hold_now_counts(self):
        with session() as it:
            buffer, expected = image(), [it.run(image(seed)).copy() for seed in range(2)]
            for _ in range(3):
                np.testing.assert_array_equal(it.run(buffer), expected[0])
            buffer[:] = image(1)
            np.testing.assert_array_equal(it.run(buffer), expected[1])
            np.testing.assert_array_equal(it.run(image()), expected[0])

    def test_their_memory_stays(self):
        with session() as it:
            buffer = image()
            for _ in range(3):
                it.run(buffer)
            with self.assertRaisesRegex(ValueError, "cannot resize"):
                buffer.resize((300, 300, 3))
        with self.assertRaisesRegex(ArgumentError, "open session"):
            it.run(buffer)

    def test_read_only_or_with_gaps(self):
        wide = np.concatenate([image(), image(1)], 1)
        read_only = image()
        read_only.flags.writeable = False
        with session() as it:
            expected = it.run(image()).copy()
            for buffer in [wide[:, :SIDE[1]], read_only]:
                for _ in range(3):
                    np.testing.assert_array_equal(it.run(buffer), expected)


class Sessions(unittest.TestCase):
    def test_closed(self):
        with session() as it:
            it.run(image())
        for call in [lambda: it.run(image()), lambda: it.classify(CHURCH), lambda: it.top(), lambda: it.logits,
                     lambda: it.tuning]:
            with self.assertRaisesRegex(ArgumentError, "^expected an open session, found a closed one$"):
                call()
        it.close()

    def test_outlives_its_plan(self):
        with resnet_runtime.Plan(plan_path()) as plan:
            it = resnet_runtime.Session(plan, threads=1)
        with self.assertRaisesRegex(ArgumentError, "^expected an open plan, found a closed one$"):
            resnet_runtime.Session(plan)
        del plan
        self.assertTrue(it.classify(CHURCH)[0].label.endswith("church"))

    def test_options(self):
        expected = session().run(image()).copy()
        for options in [{"threads": 2}, {"threads": None}, {"tuning": "measured"}, {"instruction_set": "ref"},
                        {"cpus": "0", "threads": None}, {"cpus": [0], "threads": None}]:
            np.testing.assert_array_equal(session(**options).run(image()), expected)
        self.assertEqual(session(instruction_set="ref").instruction_set, "ref")
        self.assertEqual(session(threads=2).threads, 2)
        tuned = session(tuning="measured")
        again = session(tuning=tuned.tuning)
        self.assertEqual(again.tuning, tuned.tuning)
        self.assertEqual(again.byte_count, tuned.byte_count)
        self.assertLessEqual(session().byte_count, tuned.byte_count)

    def test_impossible_options(self):
        for options, error in [
            ({"threads": 0}, ArgumentError), ({"threads": 65}, ArgumentError), ({"threads": -1}, ArgumentError),
            ({"threads": 2**32 + 1}, ArgumentError), ({"memory_limit": 1000}, SessionError),
            ({"memory_limit": -1}, ArgumentError), ({"cpus": "none"}, SessionError), ({"cpus": "4000"}, SessionError),
            ({"instruction_set": "mmx"}, SessionError), ({"tuning": "nonsense"}, SessionError),
            ({"instruction_set": "avx2\0"}, ArgumentError), ({"max_image_pixels": 0}, ArgumentError),
        ]:
            with self.subTest(options), self.assertRaisesRegex(error, "expected|needs|does not exist"):
                session(**options)
        for wrong in [{"threads": "two"}, {"tuning": 3}, {"tuning": True}]:
            with self.subTest(wrong), self.assertRaises((TypeError, AttributeError)):
                session(**wrong)


class Threads(unittest.TestCase):
    def test_the_gil_is_released(self):
        """Another thread runs Python during a run, and a session that is in use says so."""
        it, busy = session(), threading.Event()

        def work():
            while not busy.is_set():
                try:
                    it.run(image())
                except BusyError:
                    busy.set()

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        self.assertTrue(busy.wait(60))
        for thread in threads:
            thread.join()

    def test_sessions_of_one_plan_run_at_once(self):
        """Prints how four threads with four sessions scale; asserts only that their results are right."""
        plan = resnet_runtime.Plan(plan_path())
        sessions = [resnet_runtime.Session(plan, threads=1) for _ in range(4)]
        one, count = image(), 40
        expected = sessions[0].run(one).copy()

        def work(it):
            for _ in range(count):
                it.run(one)

        def seconds(sessions):
            threads = [threading.Thread(target=work, args=[it]) for it in sessions]
            start = time.perf_counter()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return time.perf_counter() - start

        alone, together = seconds(sessions[:1]), seconds(sessions)
        print(f"\nimages/s: {count / alone:.0f} in 1 thread, {4 * count / together:.0f} in 4 with 4 sessions")
        for it in sessions:
            np.testing.assert_array_equal(it.logits, expected)

    def test_forked_children(self):
        fork = multiprocessing.get_context("fork")
        for threads in [1, 2]:
            it, (ours, theirs) = session(threads=threads), fork.Pipe()

            def child():
                try:
                    theirs.send(it.run(image()).tobytes())
                except SessionError as error:
                    theirs.send(str(error))

            expected = it.run(image()).tobytes()
            process = fork.Process(target=child)
            process.start()
            self.assertTrue(ours.poll(60))
            answer = ours.recv()
            process.join(60)
            self.assertEqual(process.exitcode, 0)
            if threads == 1:
                self.assertEqual(answer, expected)
            else:
                self.assertIn("found a child that was forked", answer)
            self.assertEqual(it.run(image()).tobytes(), expected)


class Overhead(unittest.TestCase):
    def test_python_takes_at_most_30_microseconds(self):
        """What `run` takes besides the call that runs the network."""
        it, one = session(), image()
        it.run(one)
        with mock.patch.object(_library.library, "resnet_session_run_rgb8", lambda *_: 0):
            times = []
            for _ in range(2000):
                start = time.perf_counter_ns()
                it.run(one)
                times.append(time.perf_counter_ns() - start)
        median = sorted(times)[len(times) // 2] / 1000
        print(f"\nPython's part of a run: {median:.1f} microseconds")
        self.assertLess(median, 30)

    @unittest.skipUnless("RESNET_C_LOOP" in os.environ, "needs RESNET_C_LOOP: make python-test sets it")
    def test_against_a_loop_in_c(self):
        """Prints what a run takes in C and in Python, with one session by turns."""
        it, one = session(), image()
        # The loop finds its function in the wheel's library.
        ctypes.CDLL(_library.library._name, ctypes.RTLD_GLOBAL)
        loop = ctypes.CDLL(os.environ["RESNET_C_LOOP"]).run_in_c
        loop.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
        in_c, in_python = np.zeros((2, 300), np.int64)
        for turn in range(len(in_c)):
            self.assertEqual(loop(it._handle.pointer, one.ctypes.data, one.nbytes, 1, in_c[turn:].ctypes.data), 0)
            start = time.perf_counter_ns()
            it.run(one)
            in_python[turn] = time.perf_counter_ns() - start
        difference, spread = np.median(in_python - in_c) / 1000, np.std(in_python - in_c) / 1000 / len(in_c) ** .5
        print(f"\na run in C: {np.median(in_c) / 1000:.0f} microseconds; in Python {difference:+.1f} ± {spread:.1f}")
