# SPDX-License-Identifier: Apache-2.0
"""Runs a command and prints the peak resident set of its process in kB: lean.py COMMAND...

Linux counts into a program's peak what its process held before it became that program: a copy
of the parent. So the parent must be small, which is why this is a file of its own, run with
"python -I -S". The second number printed is that floor.
"""

import os
import sys

floor = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[
    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, usage = os.wait4(process, 0)
print(usage.ru_maxrss, floor)
sys.exit(os.waitstatus_to_exitcode(status) != 0)
