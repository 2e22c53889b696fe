// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetQuantization

extension Calibrator {
  /// Keeps layers out of int8 until top-1 on labelled photos is at most `drop` percentage points below
  /// float32's.
  ///
  /// Layers and blocks are taken one by one: first what alone takes most noise from the logits of the held-out
  /// photos for each of its layers. Blocks count as well because a tensor is float32 only if no layer on
  /// either side of it is int8. Layers that turn out not to be needed are given up again, the least sensitive
  /// first.
  ///
  /// - Returns: the choice and how it did on the photos.
  /// - Throws: an error if int8 is left for no layer.
  func limitDrop(
    of choice: Choice, to drop: Double, on photos: LabelledImages
  ) throws -> (choice: Choice, evaluation: Comparison) {
    let int8 = try evaluate(choice, on: photos, "evaluating int8")
    // Of the photos that float32 has right, as many may be lost; in whole photos despite rounding.
    let allowed = Int((Double(int8.imageCount) * drop / 100 + 1e-9).rounded(.down))
    let needed = int8.floatScore.first - allowed
    guard int8.score.first < needed else { return (choice, int8) }
    let candidates = try candidatesBySensitivity(choice)
    let layerCount = model.program.operations.count { $0.multiplications > 0 }
    var best = choice
    var taken: [String] = []
    var isEnough = false
    for candidate in candidates where !isEnough {
      let added = candidate.filter { !best.floatLayers.contains($0) }
      guard !added.isEmpty, best.floatLayers.count + added.count < layerCount else { continue }
      taken += added
      best.floatLayers.formUnion(added)
      let title = "trying \(taken.count) layers out of int8"
      isEnough = try score(best, on: photos, title).first >= needed
    }
    guard isEnough else {
      throw ToolError(
        String(
          format: """
            int8 costs %.2f points of top-1, and no choice of layers out of int8 brings it to %.2f: \
            expected a larger --max-drop, or --precision fp16
            """, 100 * Double(int8.floatScore.first - int8.score.first) / Double(int8.imageCount),
          drop))
    }
    for layer in taken.reversed() where best.floatLayers.count > 1 {
      var less = best
      less.floatLayers.remove(layer)
      if try score(less, on: photos, "trying \(layer) in int8").first >= needed { best = less }
    }
    return (best, try evaluate(best, on: photos))
  }

  /// The layers with weights and the blocks of several layers, first what takes most noise from the logits
  /// for each layer when it alone is not int8; of equal ones the first in the network.
  private func candidatesBySensitivity(_ choice: Choice) throws -> [[String]] {
    progress.begin("running float32", total: choice.heldOut.count)
    let (images, model) = (images, model)
    let expected = try mapImages(
      count: choice.heldOut.count, threads: threads, progress: advance
    ) {
      let executor = FloatExecutor(model)
      return { place in
        executor.run(try images.pixels(choice.heldOut[place]))
        return executor.values(of: model.program.logitsTensor)
      }
    }
    func noise(_ floatLayers: [String], _ title: String) throws -> Double {
      var trial = choice
      trial.floatLayers = Set(floatLayers)
      let plan = try trialPlan(trial)
      progress.begin(title, total: choice.heldOut.count)
      let each = try mapImages(count: choice.heldOut.count, threads: threads, progress: advance) {
        let session = try PlanSession(plan)
        return { place in
          session.run(try images.pixels(choice.heldOut[place]))
          var noise = Comparison.Noise()
          for (reference, value) in zip(expected[place], session.logits) {
            noise.add(reference, value)
          }
          return noise.noise
        }
      }
      return each.reduce(0, +)
    }
    let layers = model.program.operations.filter { $0.multiplications > 0 }
    let blocks = blockOutputs(of: model.program).map { block in
      layers.filter { $0.block == block.name }.map(\.name)
    }
    let candidates = layers.map { [$0.name] } + blocks.filter { $0.count > 1 }
    let whole = try noise([], "measuring int8")
    let gains = try candidates.map { candidate in
      let title = "measuring \(candidate.joined(separator: ", ")) out of int8"
      return (whole - (try noise(candidate, title))) / Double(candidate.count)
    }
    return candidates.indices.sorted { (gains[$1], $0) < (gains[$0], $1) }.map { candidates[$0] }
  }

  /// How often a choice has the right class.
  private func score(
    _ choice: Choice, on photos: LabelledImages, _ title: String
  ) throws -> Comparison.Score {
    let plan = try trialPlan(choice)
    progress.begin(title, total: photos.images.count)
    let scores = try mapImages(
      count: photos.images.count, threads: threads, progress: advance
    ) {
      let session = try PlanSession(plan)
      return { image in
        session.run(try photos.images.pixels(image))
        var score = Comparison.Score()
        score.count(photos.label(image), session.logits)
        return score
      }
    }
    return scores.reduce(into: Comparison.Score()) { $0 += $1 }
  }
}
