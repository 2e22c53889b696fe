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
  /// Where each thread writes its time.
  private var times: UnsafeMutablePointer<Int64>?

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
    var times = InlineArray<64, Int64>(repeating: 0)
    self.convolution = convolution
    var places = times.mutableSpan
    places.withUnsafeMutableBufferPointer { times in
      self.times = times.baseAddress
      guard let pool else { return takeTime(of: 0) }
      withUnsafeMutablePointer(to: &self) { timer in
        rn_pool_run(
          pool,
          { context, thread in
            // All threads only read the timer.
            context!.assumingMemoryBound(to: ConvolutionTimer.self).pointee
              .takeTime(of: Int(thread))
          }, timer)
      }
    }
    self.times = nil
    var longest: Int64 = 0
    for thread in 0..<threads { longest = max(longest, times[thread]) }
    return longest
  }

  private func takeTime(of thread: Int) { times![thread] = share(of: thread) }

  private func share(of thread: Int) -> Int64 {
    let start = rn_thread_ns()
    convolution!.run(
      SessionThread(
        index: thread, count: threads, scratch: scratch + thread * scratchPitch,
        image: UnsafePointer(scratch.assumingMemoryBound(to: UInt8.self))))
    return rn_thread_ns() - start
  }
}
