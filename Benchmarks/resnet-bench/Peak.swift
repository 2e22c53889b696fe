// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import CResNetPlatform
import ResNetRuntime

/// The multiplications a nanosecond that one thread can do at most, measured.
func measurePeak(_ kernel: (UInt64) -> UInt64) -> Double {
  // Long enough for the clock to tell, short enough that some attempt is not interrupted.
  let slice: Int64 = 5_000_000
  var iterations: UInt64 = 1000
  while time(kernel, iterations).nanoseconds < slice { iterations *= 2 }
  var best = 0.0
  for _ in 0..<20 {
    let (multiplications, nanoseconds) = time(kernel, iterations)
    best = max(best, Double(multiplications) / Double(nanoseconds))
  }
  return best
}

private func time(
  _ kernel: (UInt64) -> UInt64, _ iterations: UInt64
) -> (multiplications: UInt64, nanoseconds: Int64) {
  let start = rn_monotonic_ns()
  let multiplications = kernel(iterations)
  return (multiplications, rn_monotonic_ns() - start)
}
