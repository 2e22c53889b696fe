# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
import sys
import unittest

from support import ROOT

FOLDER = ROOT / "Examples" / "Python"


class Notebook(unittest.TestCase):
    def test_its_cells_run(self):
        cells = json.loads((FOLDER / "classify.ipynb").read_text())["cells"]
        code = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        done = subprocess.run([sys.executable, "-c", code], cwd=FOLDER, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for name in ["church", "golf ball", "tench"]:
            self.assertRegex(done.stdout, rf"{name.replace(' ', '-')}.jpg +\d+\.\d% n\d+ {name}\n")
