// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Computes a value for each of `count` images on several threads.
///
/// - Parameters:
///   - progress: told the number of images done, from several threads.
///   - worker: called once on each thread; makes what computes the value of an image.
/// - Returns: the values in the order of images.
/// - Throws: an error of a worker, after which no new image is begun.
func mapImages<Value: Sendable>(
  count: Int, threads: Int, progress: @Sendable (Int) -> Void,
  worker: @Sendable () throws -> (Int) throws -> Value
) throws -> [Value] {
  let state = Mutex(MappedImages(values: [Value?](repeating: nil, count: count)))
  let next = Atomic<Int>(0)
  DispatchQueue.concurrentPerform(iterations: max(1, min(threads, count))) { _ in
    do {
      let value = try worker()
      while true {
        let image = next.add(1, ordering: .relaxed).oldValue
        if image >= count || state.withLock({ $0.failure != nil }) { break }
        let result = try value(image)
        progress(
          state.withLock {
            $0.values[image] = result
            $0.done += 1
            return $0.done
          })
      }
    } catch {
      state.withLock { $0.failure = error }
    }
  }
  return try state.withLock { state in
    if let failure = state.failure { throw failure }
    return state.values.map { $0! }
  }
}

/// The values so far.
private struct MappedImages<Value: Sendable>: Sendable {
  var values: [Value?]
  var done = 0
  var failure: (any Error)?
}
