// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import CResNetThreads

/// Runs bound steps on one or more threads.
///
/// Each step's output is partitioned in a fixed way, and all threads meet between steps, so
/// no thread reads what another is still writing.
struct Executor {
  let steps: UnsafeBufferPointer<BoundStep>
  /// The scratch memory of the first thread, and bytes from one thread's to the next.
  let scratch: UnsafeMutableRawPointer
  let scratchPitch: Int
  let threads: Int
  let pool: OpaquePointer?
  var image: UnsafePointer<UInt8>
  /// Where the time of the start and of each step's end goes, if somebody wants it.
  var timestamps: UnsafeMutablePointer<Int64>?

  mutating func run() {
    takeTime(beforeStep: 0)
    if let pool {
      withUnsafeMutablePointer(to: &self) { executor in
        rn_pool_run(
          pool,
          { context, thread in
            let executor = context!.assumingMemoryBound(to: Executor.self)
            executor.pointee.runSteps(thread: Int(thread))
          }, executor)
      }
    } else {
      runSteps(thread: 0)
    }
    takeTime(beforeStep: steps.count)
  }

  /// Takes the time if that is wanted, on thread 0.
  private func takeTime(beforeStep index: Int) {
    if let timestamps { timestamps[index] = rn_monotonic_ns() }
  }

  private func runSteps(thread index: Int) {
    let thread = SessionThread(
      index: index, count: threads, scratch: scratch + index * scratchPitch, image: image)
    for index in steps.indices {
      if index > 0 {
        if let pool { rn_pool_barrier(pool) }
        if thread.index == 0 { takeTime(beforeStep: index) }
      }
      steps[index].run(thread)
    }
  }
}
