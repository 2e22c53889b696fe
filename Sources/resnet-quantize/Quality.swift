// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import ResNetPlatform
import ResNetQuantization

/// What quantization did to a network, in words and numbers.
struct Quality {
  let quantization: Quantization
  let comparison: Comparison
  /// The comparison on photos with labels, if there are any.
  let evaluation: Comparison?

  /// A table of the methods that were tried and one of the blocks, and a line about the logits.
  var lines: [String] {
    var lines: [String] = []
    if !quantization.trials.isEmpty {
      lines.append(
        "method               logits  same label  (\(quantization.heldOutCount) held-out photos)")
      for trial in quantization.trials {
        lines.append(
          row("\(trial.method)", trial.comparison)
            + (trial.method == quantization.method ? "  <- kept" : ""))
      }
      lines.append("")
    }
    lines.append("block           signal to quantization noise")
    for (block, noise) in zip(quantization.blockNames, comparison.blocks) {
      lines.append(column(block, 16) + String(printf: "%6.1f dB", noise.decibels))
    }
    let program = quantization.scheme.model.program
    let hasMaps = program.outputs.contains { $0.role == .other }
    if hasMaps {
      lines.append("")
      lines.append("output          signal to quantization noise")
      for (output, noise) in zip(quantization.outputNames, comparison.outputs) {
        lines.append(column(output, 16) + String(printf: "%6.1f dB", noise.decibels))
      }
    }
    if !quantization.codedLayers.isEmpty {
      lines.append("")
      lines.append(
        "coded layer           form               logits, it alone coded   saves of its time")
      for layer in quantization.codedLayers {
        lines.append(
          column(layer.name, 22) + column(layer.form.title, 19)
            + String(printf: "%6.1f dB %28.0f %%", layer.decibels, 100 * layer.saving))
      }
    }
    let kept = quantization.floatLayers
    if let format = quantization.floatFormat {
      lines.append("in \(format.name)         \(kept.joined(separator: " "))")
    }
    if program.logitsTensor == nil {
      lines.append(
        column(program.mainOutput.name, 16)
          + String(
            printf: "%6.1f dB, cosine %.5f on %d photos", comparison.logits.decibels,
            comparison.cosine, comparison.imageCount))
      return lines
    }
    lines.append(
      String(
        printf: "logits          %6.1f dB, cosine %.5f, same label for %d of %d photos",
        comparison.logits.decibels, comparison.cosine, comparison.agreeing,
        comparison.imageCount))
    if let evaluation { lines.append(Quality.line(evaluation, precision: precision)) }
    return lines
  }

  private var precision: String {
    quantization.floatFormat.map { "int8 and \($0.name)" } ?? "int8"
  }

  /// A line about labelled photos.
  static func line(_ evaluation: Comparison, precision: String) -> String {
    func percent(_ count: Int) -> Double { 100 * Double(count) / Double(evaluation.imageCount) }
    return String(
      printf: """
        %d labelled photos: top-1 %.2f %% in float32, %.2f %% in \(precision); top-5 %.2f %%, %.2f %%; \
        same label %.2f %%, logits %.1f dB
        """, evaluation.imageCount, percent(evaluation.floatScore.first),
      percent(evaluation.score.first), percent(evaluation.floatScore.firstFive),
      percent(evaluation.score.firstFive), 100 * evaluation.agreement,
      evaluation.logits.decibels)
  }

  /// What is said of a float32 network that knows no more than chance.
  static func chanceWarning(_ evaluation: Comparison) -> String {
    """
    float32 is right about \(evaluation.floatScore.first) of \(evaluation.imageCount) photos, no better than \
    chance (the most frequent label has \(evaluation.mostFrequentLabel); binomial, 5 %): are preprocessing and \
    order of classes right? resnet-quantize check tells
    """
  }

  private func row(_ name: String, _ comparison: Comparison) -> String {
    column(name, 18)
      + String(
        printf: "%6.1f dB  %5.1f %%", comparison.logits.decibels, 100 * comparison.agreement)
  }
}
