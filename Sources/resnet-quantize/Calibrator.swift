// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization

/// Chooses the scales of a graph's tensors from images, and tells how good they are.
struct Calibrator {
  /// The methods that are tried on held-out images if none is named.
  static let candidates: [CalibrationMethod] = [
    .minMax, .movingAverage, .percentile(99.999), .percentile(99.9999), .entropy,
    .meanSquaredError,
  ]

  /// What was chosen.
  struct Choice {
    var calibration: Calibration
    var method: CalibrationMethod
    var scales: [ActivationScale]
    /// The images that took no part in the choice of ranges; all if they are too few to part.
    var heldOut: [Int]
    /// The candidates and how they did on the held-out images, if they were tried.
    var trials: [(method: CalibrationMethod, comparison: Comparison)] = []
    /// The layers that are kept out of int8.
    var floatLayers: Set<String> = []
    /// The format of their weights.
    var floatFormat = WeightFormat.float16

    var layers: [String: WeightFormat] {
      Dictionary(uniqueKeysWithValues: floatLayers.map { ($0, floatFormat) })
    }

    /// The same in the order of the network.
    func floatLayers(in graph: Program) -> [String] {
      graph.operations.map(\.name).filter { floatLayers.contains($0) }
    }
  }

  let model: FloatModel
  let images: CalibrationImages
  let threads: Int
  let correctsBias: Bool
  let progress: Progress

  /// Observes all images and takes the ranges of one method.
  func choose(_ method: CalibrationMethod) throws -> Choice {
    let calibration = try observe(Array(0..<images.count), "calibrating")
    return Choice(
      calibration: calibration, method: method,
      scales: calibration.scales(of: model.program, method: method),
      heldOut: Array(0..<images.count))
  }

  /// Observes three of four images, tries all candidates on the others and takes the ranges of the one
  /// with the least noise of the logits, then from all images.
  func chooseBest() throws -> Choice {
    let all = Array(0..<images.count)
    // Of fewer than 8, none can be spared.
    let heldOut = all.count < 8 ? all : all.filter { $0 % 4 == 3 }
    let others = all.count < 8 ? all : all.filter { $0 % 4 != 3 }
    let calibration = try observe(others, "calibrating")
    // One after the other: a plan and its sessions take as much memory as a checkpoint.
    let trials = try Calibrator.candidates.map { method in
      let trial = Choice(
        calibration: calibration, method: method,
        scales: calibration.scales(of: model.program, method: method), heldOut: heldOut)
      return (
        method: method,
        comparison: try compare(trialPlan(trial), heldOut, "trying \(method)")
      )
    }
    var best = trials[0]
    for trial in trials where trial.comparison.logits.noise < best.comparison.logits.noise {
      best = trial
    }
    let whole =
      all.count < 8
      ? calibration
      : Calibration(merging: calibration, try observe(heldOut, "calibrating the held-out images"))
    return Choice(
      calibration: whole, method: best.method,
      scales: whole.scales(of: model.program, method: best.method), heldOut: heldOut,
      trials: trials)
  }

  /// Compares a choice with float32 on the images held out.
  func compare(_ choice: Choice) throws -> Comparison {
    try compare(
      trialPlan(choice), choice.heldOut, "comparing with float32")
  }

  /// Compares a choice with float32 on photos with labels.
  func evaluate(
    _ choice: Choice, on photos: LabelledImages, _ title: String = "evaluating"
  ) throws -> Comparison {
    try Comparison.compare(
      model, with: trialPlan(choice), on: photos, threads: threads, progress: progress, title)
  }

  /// Tells the number of images done, from any thread.
  var advance: @Sendable (Int) -> Void {
    let progress = progress
    return { progress.advance(to: $0) }
  }

  /// The distributions of activations over some of the images.
  func observe(_ chosen: [Int], _ title: String) throws -> Calibration {
    progress.begin(title, total: chosen.count)
    let images = images
    return try Calibration(
      observing: model, imageCount: chosen.count, threads: threads,
      image: { try images.pixels(chosen[$0]) }, progress: advance)
  }

  private func compare(
    _ plan: PlanBytes, _ chosen: [Int], _ title: String
  ) throws -> Comparison {
    progress.begin(title, total: chosen.count)
    let images = images
    return try Comparison.compare(
      model, with: plan, images: chosen, threads: threads, pixels: { try images.pixels($0) },
      progress: advance)
  }

  /// The scheme of a choice.
  func scheme(of choice: Choice) -> QuantizationScheme {
    var scheme = QuantizationScheme(model, activations: choice.scales)
    if correctsBias { scheme.channelMeans = choice.calibration.channelMeans }
    scheme.layers = choice.layers
    return scheme
  }

  func trialPlan(_ choice: Choice) throws -> PlanBytes {
    var options = PlanOptions()
    options.keepsTensors = true
    return PlanBytes(try Planner.plan(scheme(of: choice), options))
  }
}
