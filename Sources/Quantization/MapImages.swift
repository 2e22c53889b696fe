// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Computes a value for each of `count` images on several threads, whose results are in the order of images.
///
/// - Parameters:
///   - progress: told the number of images done, from several threads.
///   - makeWorker: called once on each thread; makes what the images of a thread have in common.
///   - finish: called on each thread with its worker after the last image.
///   - value: computes the value of an image.
/// - Returns: the values in the order of images.
/// - Throws: the first error in the order of images; after a failure no image behind it is begun.
func mapImages<Worker, Value: Sendable>(
  count: Int, threads: Int, progress: @Sendable (Int) -> Void,
  makeWorker: @Sendable () throws -> Worker, finish: @Sendable (Worker) -> Void = { _ in },
  value: @Sendable (Worker, Int) throws -> Value
) throws -> [Value] {
  let state = Mutex(MappedImages(values: [Value?](repeating: nil, count: count)))
  let next = Atomic<Int>(0)
  DispatchQueue.concurrentPerform(iterations: max(1, min(threads, count))) { _ in
    var image = -1
    do {
      let worker = try makeWorker()
      while true {
        image = next.add(1, ordering: .relaxed).oldValue
        // After a failure only images before it matter: one of them may fail too.
        if image >= count || state.withLock({ $0.hasFailed(before: image) }) { break }
        let result = try value(worker, image)
        progress(state.withLock { $0.finish(image, result) })
      }
      finish(worker)
    } catch {
      let place = image
      state.withLock { $0.fail(place, error) }
    }
  }
  return try state.withLock { state in
    if let failure = state.failure { throw failure.error }
    return state.values.map { $0! }
  }
}

/// The values so far.
private struct MappedImages<Value: Sendable>: Sendable {
  var values: [Value?]
  var done = 0
  var failure: (image: Int, error: any Error)?

  func hasFailed(before image: Int) -> Bool { failure.map { $0.image < image } ?? false }

  mutating func fail(_ image: Int, _ error: any Error) {
    if failure.map({ image < $0.image }) ?? true { failure = (image, error) }
  }

  /// Returns how many images are done.
  mutating func finish(_ image: Int, _ value: Value) -> Int {
    values[image] = value
    done += 1
    return done
  }
}
