# SPDX-License-Identifier: Apache-2.0
"""What goes wrong for a reason that the user can be told in one line."""


class Failure(Exception):
    pass
