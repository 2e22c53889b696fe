// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import ResNetQuantization

/// The number of threads that were asked for or, if none was, of processors; or as many as the system starts, which
/// is told if they are fewer.
func workingThreads(_ asked: Int?) -> Int {
  let wanted = asked ?? ProcessInfo.processInfo.activeProcessorCount
  let count = availableThreadCount(wanted)
  if count < wanted {
    tell("the system started \(count) of \(wanted) threads; going on with them")
  }
  return count
}
