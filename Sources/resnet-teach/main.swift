// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

exit(tool.run(teach).rawValue)
