# SPDX-License-Identifier: Apache-2.0
"""What goes wrong for a reason that the user can be told in one line."""


class Failure(Exception):
    pass


def last_line(text):
    """The line of a program's complaints that says most."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")
