# SPDX-License-Identifier: Apache-2.0
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import resnet_runtime
from support import CHURCH, PHOTOS, plan_path, tool

PACKAGE = Path(resnet_runtime.__file__).parent
LOADER = {"x86_64": "/lib64/ld-linux-x86-64.so.2", "aarch64": "/lib/ld-linux-aarch64.so.1"}[platform.machine()]
# What manylinux has everywhere.
SYSTEM = ("ld-linux", "linux-vdso", "libc.so", "libm.so", "libz.so", "libstdc++.so", "libgcc_s.so")


class Installation(unittest.TestCase):
    def test_no_swift_is_near(self):
        for name in ["swift", "cc", "clang"]:
            self.assertIsNone(shutil.which(name))

    def test_programs_need_nothing_of_the_machine(self):
        programs = [*(PACKAGE / "bin").iterdir(), *(PACKAGE / "lib").iterdir()]
        self.assertEqual(len(programs), 5)
        for program in programs:
            listed = subprocess.run([LOADER, "--list", program], capture_output=True, text=True, check=True).stdout
            self.assertNotIn("not found", listed)
            for line in listed.splitlines():
                name, _, path = line.strip().partition(" => ")
                if not os.path.basename(name).startswith(SYSTEM):
                    self.assertTrue(Path(path).resolve().is_relative_to(PACKAGE.parent), line)

    def test_versions_agree(self):
        version = importlib.metadata.version("resnet-runtime")
        self.assertEqual(resnet_runtime.__version__, version)
        for name in ["resnet-quantize", "resnet-run", "resnet-bench", "resnet-teach"]:
            self.assertIn(version, tool(name, "--version").stdout)

    def test_licences_are_there(self):
        files = [str(file) for file in importlib.metadata.files("resnet-runtime")]
        for library in [file.split("/")[1] for file in files if file.startswith("resnet_runtime.libs/")]:
            name = library.split("-")[0]
            self.assertTrue(any(f"licenses/{name}.so" in file for file in files), library)

    @unittest.skipUnless("RESNET_WHEEL" in os.environ, "needs RESNET_WHEEL: make python-test sets it")
    def test_the_wheel_is_small(self):
        size = Path(os.environ["RESNET_WHEEL"]).stat().st_size / 1e6
        print(f"\nwheel: {size:.2f} MB")
        self.assertLess(size, 14)

    def test_commands_run_the_programs(self):
        run = tool("resnet-run", plan_path(), *PHOTOS, "--top", "1")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("church.jpg\n", run.stdout)
        missing = tool("resnet-run", plan_path(), "missing.jpg")
        self.assertEqual(missing.returncode, 1)
        self.assertTrue(missing.stderr.startswith("resnet-run: missing.jpg: "))
        self.assertEqual(tool("resnet-run").returncode, 2)
        self.assertEqual(tool("resnet-bench", "--help").returncode, 0)
        self.assertIn("church", tool("resnet-run", plan_path(), CHURCH).stdout)

    def test_pillow_is_not_needed(self):
        code = (
            "import sys, resnet_runtime; sys.modules['PIL'] = None; "
            f"print(resnet_runtime.Session({str(plan_path())!r}).classify({str(CHURCH)!r})[0].label)")
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "n03028079 church\n")
