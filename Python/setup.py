# SPDX-License-Identifier: Apache-2.0
"""What pyproject.toml cannot say: the wheel has programs, but is the same for every Python."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.dist import Distribution

here = Path(__file__).parent
programs = sorted((here / "src/resnet_runtime/bin").glob("*"))


class BinaryDistribution(Distribution):
    def has_ext_modules(self):
        return bool(programs)


class Wheel(bdist_wheel):
    def get_tag(self):
        return "py3", "none", super().get_tag()[2] if programs else "any"


launchers = here / "build/launchers"
launchers.mkdir(parents=True, exist_ok=True)
for program in programs:
    shutil.copy(here / "launch.py", launchers / program.name)
setup(
    cmdclass={"bdist_wheel": Wheel}, distclass=BinaryDistribution,
    scripts=[f"build/launchers/{program.name}" for program in programs])
