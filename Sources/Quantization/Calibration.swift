// SPDX-License-Identifier: Apache-2.0

import Dispatch
public import ResNetModelGraph
public import ResNetPlanning
import Synchronization

/// The distributions of a graph's activations over a set of images.
///
/// Images are observed in parallel, each by one thread, and counted exactly, so the result does not
/// depend on their order or on the number of threads.
public struct Calibration: Sendable {
  /// One histogram for each tensor of the graph.
  public let histograms: [Histogram]
  /// For each tensor the smallest and the greatest value of each image, in the order of images.
  public let extremes: [[SIMD2<Float>]]
  /// For each tensor the mean of each channel.
  public var channelMeans: [[Double]] { sums.map { $0.map { $0.mean(of: imageCount) } } }

  private let imageCount: Int
  private let sums: [[ExactSum]]

  /// Runs the float32 reference over images.
  ///
  /// - Parameters:
  ///   - model: the network with its weights.
  ///   - imageCount: how many images there are, at least 1.
  ///   - threads: how many images are in work at a time.
  ///   - image: gives the pixels of an image, RGB8, `inputSize` × `inputSize` × 3 bytes; called from
  ///     several threads.
  ///   - progress: told the number of images done, from several threads.
  /// - Throws: the first error that `image` throws, in the order of images, or ``CalibrationError`` if
  ///   an image before that gives values that are not finite.
  /// - **Allocates:** for each thread the activations that are live at a time in float32 and 64 KiB for
  ///   each tensor; 8 bytes for each tensor and image.
  public init(
    observing model: FloatModel, imageCount: Int, threads: Int,
    image: @Sendable (Int) throws -> [UInt8], progress: @Sendable (Int) -> Void
  ) throws {
    let graph = model.program
    let state = Mutex(State(graph, imageCount: imageCount))
    let next = Atomic<Int>(0)
    withoutActuallyEscaping(image) { image in
      DispatchQueue.concurrentPerform(iterations: max(1, min(threads, imageCount))) { _ in
        var histograms = [Histogram](repeating: Histogram(), count: graph.tensors.count)
        var sums = ExactSum.zeros(for: graph)
        let executor = FloatExecutor(model)
        while true {
          let index = next.add(1, ordering: .relaxed).oldValue
          // After a failure only images before it matter: one of them may fail too.
          if index >= imageCount || state.withLock({ $0.hasFailed(before: index) }) { break }
          var extremes = [SIMD2<Float>](
            repeating: SIMD2(.infinity, -.infinity), count: graph.tensors.count)
          do {
            try executor.run(try image(index)) { tensor in
              guard executor.isFinite(tensor) else {
                throw CalibrationError.notFinite(tensor: graph.tensors[tensor].name)
              }
              executor.addChannelMeans(of: tensor, to: &sums[tensor])
              executor.forEachRun(of: tensor) { values in
                let found = histograms[tensor].add(values)
                extremes[tensor].x = min(extremes[tensor].x, found.x)
                extremes[tensor].y = max(extremes[tensor].y, found.y)
              }
            }
          } catch {
            state.withLock { $0.fail(index, error) }
            break
          }
          progress(state.withLock { $0.finish(index, extremes) })
        }
        state.withLock { $0.merge(histograms, sums) }
      }
    }
    let result = state.withLock { $0 }
    if let failure = result.failure { throw failure.error }
    histograms = result.histograms
    extremes = result.extremes
    sums = result.sums
    self.imageCount = imageCount
  }

  /// The distributions over the images of two calibrations of one graph; `other` comes after.
  public init(merging first: Calibration, _ other: Calibration) {
    histograms = zip(first.histograms, other.histograms).map { first, other in
      var histogram = first
      histogram.merge(other)
      return histogram
    }
    extremes = zip(first.extremes, other.extremes).map { $0 + $1 }
    sums = zip(first.sums, other.sums).map { zip($0, $1).map { $0 + $1 } }
    imageCount = first.imageCount + other.imageCount
  }

  private struct State: Sendable {
    var histograms: [Histogram]
    var extremes: [[SIMD2<Float>]]
    var sums: [[ExactSum]]
    var imagesDone = 0
    var failure: (index: Int, error: any Error)?

    init(_ graph: Program, imageCount: Int) {
      let tensorCount = graph.tensors.count
      sums = ExactSum.zeros(for: graph)
      histograms = [Histogram](repeating: Histogram(), count: tensorCount)
      let none = [SIMD2<Float>](repeating: .zero, count: imageCount)
      extremes = [[SIMD2<Float>]](repeating: none, count: tensorCount)
    }

    mutating func fail(_ index: Int, _ error: any Error) {
      if failure.map({ index < $0.index }) ?? true { failure = (index, error) }
    }

    func hasFailed(before index: Int) -> Bool { failure.map { $0.index < index } ?? false }

    /// Returns how many images are done.
    mutating func finish(_ image: Int, _ found: [SIMD2<Float>]) -> Int {
      for tensor in found.indices { extremes[tensor][image] = found[tensor] }
      imagesDone += 1
      return imagesDone
    }

    mutating func merge(_ others: [Histogram], _ otherSums: [[ExactSum]]) {
      for index in histograms.indices {
        histograms[index].merge(others[index])
        sums[index] = zip(sums[index], otherSums[index]).map { $0 + $1 }
      }
    }
  }
}
