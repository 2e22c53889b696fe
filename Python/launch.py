#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Becomes the program of the same name inside resnet_runtime, which is not imported: that takes longer."""

import importlib.util
import os
import sys

spec = importlib.util.find_spec("resnet_runtime")
if spec is None or not spec.submodule_search_locations:
    sys.exit(f"{sys.argv[0]}: expected the package resnet_runtime in {sys.prefix}, found none")
program = os.path.join(spec.submodule_search_locations[0], "bin", os.path.basename(sys.argv[0]))
os.execv(program, [program] + sys.argv[1:])
