// SPDX-License-Identifier: Apache-2.0

import Synchronization

extension ModelImages {
  /// Sums over all images, the same in every order of them.
  ///
  /// - Parameters:
  ///   - none: the sum over no image.
  ///   - makeWorker: called once on each thread.
  ///   - merge: adds the sum of a thread.
  ///   - add: adds what a worker finds in an image, given its pixels and its position.
  func summed<Worker, Sum: Sendable>(
    _ none: Sum, threads: Int, progress: @Sendable (Int) -> Void,
    makeWorker: @Sendable () throws -> Worker, merge: @Sendable (inout Sum, Sum) -> Void,
    add: @Sendable (Worker, [UInt8], Int, inout Sum) -> Void
  ) throws -> Sum {
    let total = Mutex(none)
    _ = try mapImages(
      count: count, threads: threads, progress: progress,
      makeWorker: { SummingWorker(worker: try makeWorker(), sum: none) },
      finish: { worker in
        let sum = worker.sum
        total.withLock { merge(&$0, sum) }
      },
      value: { worker, index in add(worker.worker, try pixels(index), index, &worker.sum) })
    return total.withLock { $0 }
  }
}

/// What looks at images on one thread, and its sum so far.
private final class SummingWorker<Worker, Sum> {
  let worker: Worker
  var sum: Sum

  init(worker: Worker, sum: Sum) { (self.worker, self.sum) = (worker, sum) }
}
