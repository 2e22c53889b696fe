// SPDX-License-Identifier: Apache-2.0

import CPlatform

exit(runTool().rawValue)
