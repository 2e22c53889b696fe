// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
public import ResNetPlanning
import Synchronization

/// The distributions of a program's activations over a set of images.
///
/// Images are observed in parallel, each by one thread, and counted exactly, so the result does not
/// depend on their order or on the number of threads.
public struct Calibration: Sendable {
  /// One histogram for each tensor of the program.
  public var histograms: [Histogram] { distributions.histograms }
  /// For each tensor the smallest and the greatest value of each image, in the order of images.
  public let extremes: [[SIMD2<Float>]]
  /// The main output of each image in float32, in the order of images: the logits, of a classifier. None where it has
  /// more than 65536 values.
  public let logits: [[Float]]
  /// The greatest magnitude of each tensor, as ``QuantizationScheme/magnitudes`` wants it.
  public var magnitudes: [Float] { histograms.map { max(abs($0.minimum), abs($0.maximum)) } }
  /// For each tensor the mean of each channel.
  public var channelMeans: [[Double]] {
    distributions.sums.map { $0.map { $0.mean(of: logits.count) } }
  }

  private let distributions: Distributions

  /// Runs the float32 reference over images.
  ///
  /// - Parameters:
  ///   - model: the network with its weights.
  ///   - imageCount: how many images there are, at least 1.
  ///   - threads: how many images are in work at a time.
  ///   - image: gives the pixels of an image of the network's size, RGB8; called from several threads.
  ///   - progress: told the number of images done, from several threads.
  /// - Throws: the first error that `image` throws, in the order of images, or ``QuantizationError`` if
  ///   an image before that gives values that are not finite.
  /// - **Allocates:** for each thread the activations that are live at a time in float32 and 64 KiB for
  ///   each tensor; for each image 8 bytes for each tensor and 4 for each logit.
  public init(
    observing model: FloatModel, imageCount: Int, threads: Int,
    image: @Sendable (Int) throws -> [UInt8], progress: @Sendable (Int) -> Void
  ) throws {
    let program = model.program
    let total = Mutex(Distributions(program))
    let images = try mapImages(
      count: imageCount, threads: threads, progress: progress, makeWorker: { Observer(model) },
      finish: { observer in
        let seen = observer.seen
        total.withLock { $0.merge(seen) }
      },
      value: { observer, index in try observer.observe(image(index)) })
    distributions = total.withLock { $0 }
    extremes = program.tensors.indices.map { tensor in images.map { $0.extremes[tensor] } }
    logits = images.map(\.logits)
  }

  /// The distributions over the images of two calibrations of one program; `other` comes after.
  public init(merging first: Calibration, _ other: Calibration) {
    var all = first.distributions
    all.merge(other.distributions)
    distributions = all
    extremes = zip(first.extremes, other.extremes).map { $0 + $1 }
    logits = first.logits + other.logits
  }
}

extension Program {
  /// Whether the main output of many images fits in memory.
  var keepsMainOutput: Bool {
    let tensor = tensors[mainOutput.tensor]
    return tensor.height * tensor.width * tensor.channels <= 65536
  }
}

/// Histograms and sums of the channels of all tensors.
private struct Distributions: Sendable {
  var histograms: [Histogram]
  var sums: [[ExactSum]]

  init(_ program: Program) {
    histograms = [Histogram](repeating: Histogram(), count: program.tensors.count)
    sums = program.tensors.map { [ExactSum](repeating: ExactSum(), count: $0.channels) }
  }

  mutating func merge(_ other: Distributions) {
    for index in histograms.indices {
      histograms[index].merge(other.histograms[index])
      sums[index] = zip(sums[index], other.sums[index]).map { $0 + $1 }
    }
  }
}

/// Runs the float32 reference on one thread and counts what it sees.
private final class Observer {
  private let program: Program
  private let executor: FloatExecutor
  var seen: Distributions

  init(_ model: FloatModel) {
    program = model.program
    executor = FloatExecutor(model)
    seen = Distributions(program)
  }

  /// The least and the greatest value of each tensor for an image, and its logits.
  func observe(_ image: [UInt8]) throws -> (extremes: [SIMD2<Float>], logits: [Float]) {
    var extremes = [SIMD2<Float>](
      repeating: SIMD2(.infinity, -.infinity), count: program.tensors.count)
    try executor.run(image) { tensor in
      guard executor.isFinite(tensor) else {
        throw QuantizationError.notFinite(tensor: program.tensors[tensor].name)
      }
      executor.addChannelMeans(of: tensor, to: &seen.sums[tensor])
      executor.forEachRun(of: tensor) { values in
        let found = seen.histograms[tensor].add(values)
        extremes[tensor].x = min(extremes[tensor].x, found.x)
        extremes[tensor].y = max(extremes[tensor].y, found.y)
      }
    }
    return (extremes, program.keepsMainOutput ? executor.values(of: program.mainOutput.tensor) : [])
  }
}
