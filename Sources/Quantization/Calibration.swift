// SPDX-License-Identifier: Apache-2.0

import Dispatch
public import ModelGraph
import Synchronization

/// How the range of an activation tensor is chosen from its distribution.
public enum CalibrationMethod: Equatable, Sendable {
  /// From the smallest to the greatest value seen.
  case minMax
  /// So that the given per cent (50…100) of all values are not clipped on either side.
  case percentile(Double)
}

/// The distributions of a graph's activations over a set of images.
///
/// Images are observed in parallel, each by one thread, and counted exactly, so the result does not
/// depend on their order or on the number of threads.
public struct Calibration: Sendable {
  /// One histogram for each tensor of the graph.
  public let histograms: [Histogram]

  /// Runs the float32 reference over images.
  ///
  /// - Parameters:
  ///   - graph: the network.
  ///   - mean, deviation: of R, G and B, for bytes divided by 255.
  ///   - imageCount: how many images there are, at least 1.
  ///   - threads: how many images are in work at a time.
  ///   - image: gives the pixels of an image, RGB8, `inputSize` × `inputSize` × 3 bytes; called from
  ///     several threads.
  ///   - progress: told the number of images done, from several threads.
  /// - Throws: the first error that `image` throws, in the order of images.
  /// - **Allocates:** for each thread all activations in float32 and 64 KiB for each tensor.
  public init(
    observing graph: FusedGraph, mean: SIMD3<Float>, deviation: SIMD3<Float>, imageCount: Int,
    threads: Int, image: @Sendable (Int) throws -> [UInt8], progress: @Sendable (Int) -> Void
  ) throws {
    let model = FloatWeights(graph, mean: mean, deviation: deviation)
    let state = Mutex(State(tensorCount: graph.tensors.count))
    let next = Atomic<Int>(0)
    withoutActuallyEscaping(image) { image in
      DispatchQueue.concurrentPerform(iterations: max(1, min(threads, imageCount))) { _ in
        var histograms = [Histogram](repeating: Histogram(), count: graph.tensors.count)
        let executor = FloatExecutor(model)
        while true {
          let index = next.add(1, ordering: .relaxed).oldValue
          // After a failure only images before it matter: one of them may fail too.
          if index >= imageCount || state.withLock({ $0.hasFailed(before: index) }) { break }
          do {
            executor.run(try image(index))
          } catch {
            state.withLock { $0.fail(index, error) }
            break
          }
          for tensor in graph.tensors.indices {
            executor.forEachRun(of: tensor) { histograms[tensor].add($0) }
          }
          progress(state.withLock { $0.countImage() })
        }
        state.withLock { $0.merge(histograms) }
      }
    }
    let result = state.withLock { $0 }
    if let failure = result.failure { throw failure.error }
    histograms = result.histograms
  }

  private struct State: Sendable {
    var histograms: [Histogram]
    var imagesDone = 0
    var failure: (index: Int, error: any Error)?

    init(tensorCount: Int) {
      histograms = [Histogram](repeating: Histogram(), count: tensorCount)
    }

    mutating func fail(_ index: Int, _ error: any Error) {
      if failure.map({ index < $0.index }) ?? true { failure = (index, error) }
    }

    func hasFailed(before index: Int) -> Bool { failure.map { $0.index < index } ?? false }

    mutating func countImage() -> Int {
      imagesDone += 1
      return imagesDone
    }

    mutating func merge(_ others: [Histogram]) {
      for index in histograms.indices { histograms[index].merge(others[index]) }
    }
  }
}
