// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import CResNetThreads
import ResNetPlanFormat

/// Times a convolution on the threads of a session.
///
/// What counts is CPU time, so that it does not matter what else the machine does, of the thread that takes
/// longest.
struct ConvolutionTimer {
  let pool: OpaquePointer?
  let threads: Int
  let scratch: UnsafeMutableRawPointer
  let scratchPitch: Int
  private var convolution: BoundConvolution?
  private var times = InlineArray<64, Int64>(repeating: 0)

  init(
    pool: OpaquePointer?, threads: Int, scratch: UnsafeMutableRawPointer, scratchPitch: Int
  ) {
    self.pool = pool
    self.threads = threads
    self.scratch = scratch
    self.scratchPitch = scratchPitch
  }

  /// Runs a convolution once and returns its nanoseconds.
  mutating func time(_ convolution: BoundConvolution) -> Int64 {
    self.convolution = convolution
    if let pool {
      withUnsafeMutablePointer(to: &self) { timer in
        rn_pool_run(
          pool,
          { context, thread in
            let timer = context!.assumingMemoryBound(to: ConvolutionTimer.self)
            // A thread writes its own time alone.
            let time = timer.pointee.share(of: Int(thread))
            withUnsafeMutablePointer(to: &timer.pointee.times) {
              UnsafeMutableRawPointer($0).storeBytes(
                of: time, toByteOffset: Int(thread) * MemoryLayout<Int64>.stride, as: Int64.self)
            }
          }, timer)
      }
    } else {
      times[0] = share(of: 0)
    }
    var longest: Int64 = 0
    for thread in 0..<threads { longest = max(longest, times[thread]) }
    return longest
  }

  private func share(of thread: Int) -> Int64 {
    let start = rn_thread_ns()
    convolution!.run(
      SessionThread(
        index: thread, count: threads, scratch: scratch + thread * scratchPitch,
        image: UnsafePointer(scratch.assumingMemoryBound(to: UInt8.self))))
    return rn_thread_ns() - start
  }
}
