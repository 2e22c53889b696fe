// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Computes a value for each of `count` images on several threads, whose results are in the order of images.
///
/// Where the system starts fewer threads, those that it started do all of the work.
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
  let state = Mutex(MappedImages<Value>(results: Array(repeating: nil, count: count), end: count))
  let next = Atomic<Int>(0)
  onThreads(min(threads, count)) {
    // Without its worker, a thread fails at the first image that it takes.
    let worker = Result { try makeWorker() }
    while true {
      let image = next.add(1, ordering: .relaxed).oldValue
      // After a failure only images before it matter: one of them may fail too.
      guard image < state.withLock({ $0.end }) else { break }
      let result = Result { try value(worker.get(), image) }
      if let done = state.withLock({ $0.finish(image, result) }) { progress(done) }
    }
    if let worker = try? worker.get() { finish(worker) }
  }
  return try state.withLock { state in try state.results.map { try $0!.get() } }
}

/// The values so far.
private struct MappedImages<Value: Sendable>: Sendable {
  var results: [Result<Value, any Error>?]
  /// The first image that failed, or else how many there are: all before have a result in the end.
  var end: Int
  var done = 0

  /// Returns how many images are done; nil if this one failed.
  mutating func finish(_ image: Int, _ result: Result<Value, any Error>) -> Int? {
    results[image] = result
    guard case .success = result else {
      end = min(end, image)
      return nil
    }
    done += 1
    return done
  }
}
