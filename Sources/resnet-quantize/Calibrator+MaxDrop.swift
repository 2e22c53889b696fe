// SPDX-License-Identifier: Apache-2.0

import Foundation
import ModelGraph

extension Calibrator {
  /// Keeps blocks in float32 until top-1 on labelled photos is at most `drop` percentage points below
  /// float32's.
  ///
  /// Blocks are taken one by one: first the one that alone takes most noise from the logits of the held-out
  /// photos. Those that turn out not to be needed are given up again, the least sensitive first.
  ///
  /// - Returns: the choice and how it did on the photos.
  /// - Throws: an error if int8 is left for no block.
  func limitDrop(
    of choice: Choice, to drop: Double, on photos: LabelledImages
  ) throws -> (choice: Choice, evaluation: Comparison) {
    var best = (choice: choice, evaluation: try evaluate(choice, on: photos, "evaluating int8"))
    let first = best.evaluation.drop
    guard first > drop else { return best }
    let order = try blocksBySensitivity(choice)
    for block in order.dropLast() where best.evaluation.drop > drop {
      best.choice.float32Blocks.insert(block)
      best.evaluation = try evaluate(
        best.choice, on: photos, "evaluating with \(block) in float32")
    }
    guard best.evaluation.drop <= drop else {
      throw ToolError(
        String(
          format: """
            int8 costs %.2f points of top-1, and no choice of blocks in float32 brings it to %.2f: \
            expected a larger --max-drop, or --precision fp32
            """, first, drop))
    }
    // The last one taken was needed.
    for block in order.reversed()
    where best.choice.float32Blocks.contains(block) && best.choice.float32Blocks.count > 1 {
      var less = best.choice
      less.float32Blocks.remove(block)
      let evaluation = try evaluate(less, on: photos, "evaluating without \(block) in float32")
      if evaluation.drop <= drop { best = (less, evaluation) }
    }
    return best
  }

  /// The blocks, first the one that leaves least noise in the logits when it alone is in float32; of equal
  /// ones the first in the network.
  private func blocksBySensitivity(_ choice: Choice) throws -> [String] {
    var found: [(block: String, noise: Double)] = []
    for block in blockOutputs(of: model.graph).map(\.name) {
      var trial = choice
      trial.float32Blocks = [block]
      let comparison = try compare(
        trialPlan(trial), choice.heldOut, "measuring \(block) in float32")
      found.append((block, comparison.logits.noise))
    }
    return found.enumerated()
      .sorted { ($0.element.noise, $0.offset) < ($1.element.noise, $1.offset) }
      .map(\.element.block)
  }
}

extension Comparison {
  /// Percentage points of top-1 that the plan is below float32.
  var drop: Double {
    100 * Double(floatScore.first - score.first) / Double(max(imageCount, 1))
  }
}
