// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import Synchronization
import TestPlans
import Testing

/// Images of one colour each with some noise, which a random network tells apart.
private struct Colours: ImageSource {
  var seeds: [UInt64]
  var labels: [Int]?

  var count: Int { seeds.count }
  var description: String { "\(count) colours" }

  func pixels(_ index: Int, _ preprocessing: PreprocessingRecord) -> [UInt8] {
    var generator = RandomGenerator(seed: seeds[index])
    let colour = (0..<3).map { _ in Int.random(in: 0...255, using: &generator) }
    return testImage(preprocessing.crop, seed: seeds[index]).enumerated().map { place, noise in
      UInt8((3 * colour[place % 3] + Int(noise)) / 4)
    }
  }

  func label(_ index: Int) -> Int? { labels?[index] }
}

@Suite struct QuantizationTests {
  private let model: FloatModel

  init() throws { model = try Self.model() }

  private static func model() throws -> FloatModel {
    try TestNetwork.deep.program(inputSize: 32).model
  }

  /// Images with the labels that float32 gives them.
  private func labelled(_ seeds: ClosedRange<UInt64>) throws -> Colours {
    var images = Colours(seeds: Array(seeds))
    images.labels = try Calibration(observing: model, on: images, threads: 2).logits.map { logits in
      logits.firstIndex(of: logits.max()!)!
    }
    return images
  }

  @Test(arguments: CalibrationMethod.allCases + [nil])
  func onlyTheMovingAverageDependsOnMoreThanTheImages(_ method: CalibrationMethod?) throws {
    func plan(_ seeds: [UInt64], threads: Int) throws -> [UInt8] {
      let quantization = try Quantization(
        of: model, on: Colours(seeds: seeds), method: method, threads: threads)
      #expect(quantization.trials.count == (method == nil ? CalibrationMethod.allCases.count : 0))
      return try Planner.plan(quantization.scheme)
    }
    let seeds = Array(1...7) as [UInt64]
    let first = try plan(seeds, threads: 1)
    #expect(try plan(seeds, threads: 3) == first)
    if method != nil {
      #expect((try plan(seeds.reversed(), threads: 2) == first) == (method != .movingAverage))
    }
  }

  @Test func methodsAndBiasCorrectionMakeDifferentPlans() throws {
    let model = try TestNetwork.bottleneck.program(inputSize: 32).model
    var plans: Set<[UInt8]> = []
    for method in [
      .minMax, .movingAverage, .percentile(99.9), .entropy, .meanSquaredError,
    ] as [CalibrationMethod] {
      for correctsBias in [false, true] {
        let quantization = try Quantization(
          of: model, on: RandomImages(count: 7, seed: 1), method: method,
          correctsBias: correctsBias, threads: 2)
        plans.insert(try Planner.plan(quantization.scheme))
      }
    }
    #expect(plans.count == 10)
  }

  @Test func everyFourthImageIsHeldOutOfTheTrials() throws {
    let seeds = Array(1...9) as [UInt64]
    let quantization = try Quantization(of: model, on: Colours(seeds: seeds), threads: 2)
    #expect(quantization.heldOutCount == 2)
    let observed = try Calibration(
      observing: model, on: Colours(seeds: [1, 2, 3, 5, 6, 7, 9]), threads: 2)
    for trial in quantization.trials {
      var scheme = QuantizationScheme(
        model, activations: observed.scales(of: model.program, method: trial.method))
      scheme.channelMeans = observed.channelMeans
      let comparison = try Comparison(of: scheme, on: Colours(seeds: [4, 8]), threads: 1)
      #expect(trial.comparison.logits.noise == comparison.logits.noise, "\(trial.method)")
    }
    let least = quantization.trials.map(\.comparison.logits.noise).min()
    let best = quantization.trials.first { $0.comparison.logits.noise == least }
    #expect(quantization.method == best?.method)
    // The ranges are then those of all images.
    let whole = try Calibration(
      observing: model, on: Colours(seeds: [1, 2, 3, 5, 6, 7, 9, 4, 8]), threads: 1)
    #expect(
      quantization.scheme.activations
        == whole.scales(of: model.program, method: quantization.method))
    #expect(quantization.scheme.channelMeans == whole.channelMeans)
    let few = try Quantization(of: model, on: Colours(seeds: Array(1...7)), threads: 2)
    #expect(few.heldOutCount == 7)
  }

  @Test func plansDoNotDependOnEarlierOnes() throws {
    let calibration = try Calibration(observing: model, on: Colours(seeds: [1, 2]), threads: 1)
    func plan(_ model: FloatModel, _ method: CalibrationMethod, _ means: Bool, _ layers: [String])
      throws -> [UInt8]
    {
      var scheme = QuantizationScheme(
        model, activations: calibration.scales(of: model.program, method: method))
      if means { scheme.channelMeans = calibration.channelMeans }
      for layer in layers { scheme.layers[layer] = .float16 }
      return try Planner.plan(scheme)
    }
    for (method, means, layers) in [
      (.minMax, false, []), (.entropy, false, []), (.entropy, true, []),
      (.entropy, true, ["layer2.0.conv1"]), (.minMax, true, ["conv1"]), (.minMax, false, []),
    ] as [(CalibrationMethod, Bool, [String])] {
      let fresh = try plan(Self.model(), method, means, layers)
      #expect(try plan(model, method, means, layers) == fresh, "\(method) \(means) \(layers)")
    }
  }

  @Test func layersStayOutOfInt8UntilTheDropIsSmall() throws {
    let images = try labelled(1...48)
    #expect(Set(images.labels!).count > 1)
    var results: [[String]] = []
    for threads in [1, 3] {
      // Without corrected biases: those are for the ranges that the next lines change.
      var quantization = try Quantization(
        of: model, on: Colours(seeds: [1, 2, 3, 4]), method: .minMax, correctsBias: false,
        threads: threads)
      // One tensor between two convolutions gets a range that leaves it hardly any levels.
      let tensor = try #require(
        model.program.tensors.firstIndex { $0.name == "layer2.0.conv1" })
      quantization.scheme.activations[tensor].scale *= 120
      let broken = try quantization.evaluate(on: images)
      #expect(broken.floatScore.first == 48)
      try #require(broken.score.first < 44)
      let scheme = quantization.scheme
      let kept = try quantization.limitDrop(to: 4.2, on: images)
      // 4.2 % of 48 are two images.
      #expect(kept.score.first >= 46)
      #expect(quantization.scheme.activations == scheme.activations)
      #expect(quantization.floatFormat == .float16)
      #expect(quantization.floatLayers.contains { $0.hasPrefix("layer2.0.") })
      #expect(try quantization.evaluate(on: images).score == kept.score)
      // No layer of them can be given up.
      for layer in quantization.floatLayers where quantization.floatLayers.count > 1 {
        var less = quantization
        less.scheme.layers[layer] = nil
        #expect(try less.evaluate(on: images).score.first < 46, "\(layer)")
      }
      results.append(quantization.floatLayers)
    }
    #expect(results[0] == results[1])
  }

  @Test func aSmallDropTakesNoLayerOutOfInt8() throws {
    let images = try labelled(1...8)
    var quantization = try Quantization(
      of: model, on: Colours(seeds: [1, 2, 3, 4]), method: .minMax, threads: 2)
    let result = try quantization.limitDrop(to: 100, on: images, keepingIn: .float32)
    #expect(quantization.floatLayers.isEmpty && result.imageCount == 8)
  }

  @Test func aDropThatNothingReachesIsAnError() throws {
    var images = try labelled(1...8)
    var quantization = try Quantization(
      of: model, on: Colours(seeds: [1, 2, 3, 4]), method: .minMax, threads: 2)
    // More images than there are would have to be right.
    #expect {
      try quantization.limitDrop(to: -13, on: images)
    } throws: {
      guard case .drop(limit: -13, int8: _)? = $0 as? QuantizationError else { return false }
      return "\($0)".hasSuffix("and no choice of layers out of int8 brings it to -13.00")
    }
    #expect(quantization.floatLayers.isEmpty)
    images.labels?[5] = 10
    #expect(throws: QuantizationError.label(image: 5, classCount: 10, found: 10)) {
      try quantization.evaluate(on: images)
    }
  }

  @Test func stagesBeginAndEnd() throws {
    let seen = Mutex<[String: [Int]]>([:])
    _ = try Quantization(
      of: model, on: Colours(seeds: Array(1...8)), threads: 2,
      progress: { stage, done, total in
        seen.withLock { $0["\(stage) of \(total)", default: []].append(done) }
      })
    let stages = seen.withLock { $0 }
    #expect(stages.count == 3 + CalibrationMethod.allCases.count)
    #expect(stages["calibrating of 6"]?.sorted() == Array(0...6))
    #expect(stages["trying min-max of 2"]?.first == 0)
    #expect(stages["trying min-max of 2"]?.sorted() == [0, 1, 2])
  }

  @Test func methodsHaveNames() {
    for method in CalibrationMethod.allCases { #expect(CalibrationMethod("\(method)") == method) }
    #expect(CalibrationMethod("percentile") == .percentile(99.9999))
    for wrong in ["", "auto", "percentile 101", "percentile x", "percentile 99 9", "min-max 1"] {
      #expect(CalibrationMethod(wrong) == nil, "\(wrong)")
    }
  }
}

@Suite struct ComparisonTests {
  @Test func noiseAndCosineAreThoseOfTheDefinition() {
    let comparison = Comparison([3, 4], [3, 4.5])
    #expect(comparison.logits.signal == 25)
    #expect(comparison.logits.noise == 0.25)
    #expect(abs(comparison.logits.decibels - 20) < 1e-9)
    #expect(abs(comparison.cosine - 27 / (25 * 29.25).squareRoot()) < 1e-12)
    #expect(Comparison([1, 2], [1, 2]).logits.decibels == .infinity)
    #expect(Comparison([0, 0], [0, 0]).cosine == 1)
  }

  @Test func scoresCountTheFirstAndTheFirstFive() {
    // Of equal logits the first comes first.
    let float: [Float] = [6, 5, 5, 4, 3, 2, 1]
    let plan: [Float] = [1, 2, 3, 4, 5, 6, 6]
    for (label, first, firstFive, planFirst, planFive) in [
      (0, 1, 1, 0, 0), (1, 0, 1, 0, 0), (4, 0, 1, 0, 1), (5, 0, 0, 1, 1), (6, 0, 0, 0, 1),
    ] {
      let comparison = Comparison(float, plan, label: label)
      #expect(comparison.floatScore.first == first && comparison.floatScore.firstFive == firstFive)
      #expect(comparison.score.first == planFirst && comparison.score.firstFive == planFive)
      #expect(comparison.agreeing == 0)
    }
    #expect(Comparison(float, float).agreement == 1)
    #expect(Comparison(float, float).score.firstFive == 0, "without a label")
  }
}
