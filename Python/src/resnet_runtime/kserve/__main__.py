# SPDX-License-Identifier: Apache-2.0
from ._server import main

main()
