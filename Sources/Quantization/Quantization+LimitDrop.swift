// SPDX-License-Identifier: Apache-2.0

public import ResNetPlanFormat
import ResNetPlanning

extension Quantization {
  /// Keeps layers out of int8 until top-1 on labelled images is at most so far below float32's.
  ///
  /// Layers and blocks are taken one by one: first the one that alone takes most noise from the logits of the
  /// held-out images for each of its layers. Blocks count as well because a tensor is float32 only if no layer
  /// on either side of it is int8. Layers that turn out not to be needed are given up again, the least
  /// sensitive first.
  ///
  /// - Parameters:
  ///   - points: percentage points of top-1, 0…100.
  ///   - images: all with labels.
  ///   - format: the weights of the layers that are not int8.
  /// - Returns: how the choice did on the images.
  /// - Throws: ``QuantizationError/drop(limit:int8:)`` if int8 is left for no layer; the scheme then is as it
  ///   was.
  /// - **Allocates:** 4 bytes for each image and class, and as a ``Comparison`` does.
  @discardableResult
  public mutating func limitDrop(
    to points: Double, on images: some ImageSource, keepingIn format: WeightFormat = .float16
  ) throws -> Comparison {
    let labelled = ModelImages(images, for: scheme.model)
    let references = try floatLogits(of: labelled)
    func score(_ scheme: QuantizationScheme, _ stage: String) throws -> Comparison {
      try Comparison.compare(
        scheme, on: labelled, references: references, threads: threads, stage: stage,
        progress: progress)
    }
    let int8 = try score(scheme, "evaluating int8")
    guard !int8.keeps(points) else { return int8 }
    let layerCount = scheme.model.program.operations.count { $0.multiplications > 0 }
    var best = (scheme: scheme, comparison: int8)
    var taken: [String] = []
    for candidate in try candidatesBySensitivity(format) {
      let added = candidate.filter { best.scheme.layers[$0] == nil }
      guard !added.isEmpty, best.scheme.layers.count + added.count < layerCount else { continue }
      taken += added
      for layer in added { best.scheme.layers[layer] = format }
      best.comparison = try score(best.scheme, "trying \(taken.count) layers out of int8")
      if best.comparison.keeps(points) { break }
    }
    guard best.comparison.keeps(points) else {
      let drop = Double(int8.floatScore.first - int8.score.first) / Double(int8.imageCount)
      throw QuantizationError.drop(limit: points, int8: 100 * drop)
    }
    for layer in taken.reversed() where best.scheme.layers.count > 1 {
      var less = best
      less.scheme.layers[layer] = nil
      less.comparison = try score(less.scheme, "trying \(layer) in int8")
      if less.comparison.keeps(points) { best = less }
    }
    scheme = best.scheme
    return best.comparison
  }

  /// The layers with weights and the blocks of several layers, first what takes most noise from the logits
  /// for each layer when it alone is not int8; of equal ones the first in the network.
  private func candidatesBySensitivity(_ format: WeightFormat) throws -> [[String]] {
    func noise(_ floatLayers: [String], _ stage: String) throws -> Double {
      var trial = scheme
      for layer in floatLayers { trial.layers[layer] = format }
      return try Comparison.compare(
        trial, on: heldOut, references: references, threads: threads, stage: stage,
        progress: progress
      ).logits.noise
    }
    let program = scheme.model.program
    let layers = program.operations.filter { $0.multiplications > 0 }
    let blocks = program.blockOutputs.map { block in
      layers.filter { $0.block == block.name }.map(\.name)
    }
    let candidates = layers.map { [$0.name] } + blocks.filter { $0.count > 1 }
    let whole = try noise([], "measuring int8")
    let gains = try candidates.map { candidate in
      let stage = "measuring \(candidate.joined(separator: ", ")) out of int8"
      return (whole - (try noise(candidate, stage))) / Double(candidate.count)
    }
    return candidates.indices.sorted { (gains[$1], $0) < (gains[$0], $1) }.map { candidates[$0] }
  }

  /// The logits of images in float32; none of one that cannot be read.
  func floatLogits(of images: ModelImages) throws -> [[Float]] {
    let stage = "running float32"
    let (model, progress) = (scheme.model, progress)
    progress(stage, 0, images.count)
    return try mapImages(
      count: images.count, threads: threads, progress: { progress(stage, $0, images.count) },
      makeWorker: { FloatExecutor(model) },
      value: { executor, index in
        guard case .success(let image) = try images.readable(index) else { return [] }
        executor.run(image)
        return executor.values(of: model.program.mainOutput.tensor)
      })
  }
}

extension Comparison {
  /// Whether top-1 is at most so many percentage points below float32's: of the photos that it has right, as many
  /// may be lost, in whole photos despite rounding.
  func keeps(_ points: Double) -> Bool {
    let allowed = Int((Double(imageCount) * points / 100 + 1e-9).rounded(.down))
    return score.first >= floatScore.first - allowed
  }
}
