// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import TestPlans
import Testing

@Suite struct CalibrationMethodTests {
  private static let methods: [CalibrationMethod] = [
    .minMax, .movingAverage, .percentile(99.9), .entropy, .meanSquaredError,
  ]

  private let graph: Program

  init() throws { graph = Program(try TestNetwork.bottleneck.graph(), inputSize: 32) }

  private func calibrate(_ graph: Program, seeds: [UInt64], threads: Int) throws -> Calibration {
    try Calibration(
      observing: FloatModel(
        graph,
        preprocessing: PreprocessingRecord(
          resize: 32, crop: 32, mean: SIMD3(repeating: 0.5), std: SIMD3(repeating: 0.2))),
      imageCount: seeds.count, threads: threads, image: { testImage(32, seed: seeds[$0]) },
      progress: { _ in })
  }

  @Test(arguments: methods) func threadsDoNotMatter(_ method: CalibrationMethod) throws {
    let seeds = Array(0..<7) as [UInt64]
    let one = try calibrate(graph, seeds: seeds, threads: 1)
    let three = try calibrate(graph, seeds: seeds, threads: 3)
    #expect(one.scales(of: graph, method: method) == three.scales(of: graph, method: method))
    #expect(one.channelMeans == three.channelMeans)
  }

  @Test(arguments: methods)
  func onlyTheMovingAverageKnowsAnOrder(_ method: CalibrationMethod) throws {
    let forwards = try calibrate(graph, seeds: Array(0..<7), threads: 2)
    let backwards = try calibrate(graph, seeds: (0..<7).reversed(), threads: 2)
    let isEqual =
      forwards.scales(of: graph, method: method) == backwards.scales(of: graph, method: method)
    #expect(isEqual == (method != .movingAverage))
    #expect(forwards.channelMeans == backwards.channelMeans)
  }

  @Test func theMovingAverageGoesATenthOfTheWay() throws {
    let all = try calibrate(graph, seeds: [3, 1, 2], threads: 2)
    let each = try [3, 1, 2].map { try calibrate(graph, seeds: [$0], threads: 1) }
    for tensor in graph.tensors.indices {
      let highs = each.map { Double($0.histograms[tensor].maximum) }
      let second = highs[0] + 0.1 * (highs[1] - highs[0])
      let expected = Float(second + 0.1 * (highs[2] - second))
      #expect(all.range(of: tensor, method: .movingAverage).high == expected)
    }
  }

  @Test func partsTogetherAreTheWhole() throws {
    let whole = try calibrate(graph, seeds: [5, 6, 7, 8], threads: 2)
    let parts = Calibration(
      merging: try calibrate(graph, seeds: [5], threads: 1),
      try calibrate(graph, seeds: [6, 7, 8], threads: 2))
    for method in CalibrationMethodTests.methods {
      #expect(whole.scales(of: graph, method: method) == parts.scales(of: graph, method: method))
    }
    #expect(whole.channelMeans == parts.channelMeans)
  }

  @Test(arguments: methods) func deadChannelsHaveScale1(_ method: CalibrationMethod) throws {
    var dead = try TestNetwork.basic.graph()
    for layer in dead.stem.indices {
      dead.stem[layer].weights = dead.stem[layer].weights.map { _ in 0 }
      dead.stem[layer].bias = dead.stem[layer].bias.map { _ in 0 }
    }
    let fused = Program(dead, inputSize: 32)
    let calibration = try calibrate(fused, seeds: [1, 2], threads: 1)
    let stem = try #require(fused.tensors.firstIndex { $0.name == "stem" })
    let scales = calibration.scales(of: fused, method: method)
    #expect(scales[stem] == ActivationScale(low: 0, high: 0))
    #expect(scales.allSatisfy { $0.scale.isFinite && $0.scale > 0 })
  }

  @Test func valuesThatAreNotFiniteAreRefused() throws {
    for magnitude in [Float.greatestFiniteMagnitude, 1e38] {
      var huge = try TestNetwork.basic.graph()
      huge.blocks[0].branch[0].weights = huge.blocks[0].branch[0].weights.map {
        $0 < 0 ? -magnitude : magnitude
      }
      let fused = Program(huge, inputSize: 32)
      #expect(throws: QuantizationError.notFinite(tensor: "layer1.0.conv1")) {
        try calibrate(fused, seeds: [1, 2, 3], threads: 2)
      }
    }
  }

  private func histogram(_ values: [Float]) -> Histogram {
    var histogram = Histogram()
    values.withUnsafeBufferPointer { _ = histogram.add($0) }
    return histogram
  }

  /// The squared error of values that are clipped and rounded to a range's levels, from the definition.
  private func error(_ values: [Float], _ range: (low: Float, high: Float)) -> Double {
    let scale = ActivationScale(low: range.low, high: range.high)
    return values.reduce(0) { sum, value in
      let stored = (Double(value) / Double(scale.scale)).rounded() + Double(scale.zeroPoint)
      let back = (min(max(stored, 0), 255) - Double(scale.zeroPoint)) * Double(scale.scale)
      return sum + (back - Double(value)) * (back - Double(value))
    }
  }

  /// Sums of twelve uniform numbers: bell-shaped, with a few values far out.
  private func bell(rectified: Bool) -> [Float] {
    var generator = RandomGenerator(seed: 9)
    let bell = (0..<1_000_000).map { _ in
      (0..<12).reduce(Float(-6)) { sum, _ in sum + Float.random(in: 0...1, using: &generator) }
    }
    return (bell + [-9, 10]).map { rectified ? max($0, 0) : $0 }
  }

  @Test(arguments: [false, true]) func farValuesAreClippedForLessError(rectified: Bool) {
    let values = bell(rectified: rectified)
    let range = histogram(values).rangeOfLeastError()
    #expect(range.high > 3 && range.high < 8)
    let least = error(values, range)
    let whole = error(values, (values.min()!, values.max()!))
    #expect(least < 0.8 * whole)
    // No range that is somewhat narrower or wider is much better.
    for part in [0.8, 0.9, 1.1, 1.25] as [Float] {
      #expect(error(values, (range.low * part, range.high * part)) > 0.97 * least)
    }
  }

  @Test(arguments: [false, true]) func farValuesAreClippedForLessDivergence(rectified: Bool) {
    let range = histogram(bell(rectified: rectified)).rangeOfLeastDivergence()
    #expect(range.high > 2.5 && range.high < 8)
    #expect(rectified ? range.low == 0 : range.low < -2.5 && range.low > -8)
  }

  @Test func evenlySpreadValuesAreNotClipped() {
    let values = (0..<65536).map { Float($0) / 65536 }
    for range in [
      histogram(values).rangeOfLeastError(), histogram(values).rangeOfLeastDivergence(),
    ] {
      #expect(range.low == 0 && range.high > 0.98)
    }
  }
}
