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

  init() throws { graph = try TestNetwork.bottleneck.program(inputSize: 32) }

  private func calibrate(_ graph: Program, seeds: [UInt64], threads: Int) throws -> Calibration {
    try Calibration(
      observing: FloatModel(
        graph,
        preprocessing: PreprocessingRecord(
          resize: 32, crop: 32, mean: SIMD3(repeating: 0.5), std: SIMD3(repeating: 0.2))),
      imageCount: seeds.count, threads: threads, image: { testImage(32, seed: seeds[$0]) },
      progress: { _ in })
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
    var dead = try TestNetwork.basic.network()
    let stem = dead[convolution: "conv1"]
    dead[convolution: "conv1"].weights = stem.weights.map { _ in 0 }
    dead[convolution: "conv1"].bias = nil
    let fused = try Program(dead, inputSize: 32)
    let calibration = try calibrate(fused, seeds: [1, 2], threads: 1)
    let pooled = try #require(fused.tensors.firstIndex { $0.name == "stem" })
    let scales = calibration.scales(of: fused, method: method)
    #expect(scales[pooled] == ActivationScale(low: 0, high: 0))
    #expect(scales.allSatisfy { $0.scale.isFinite && $0.scale > 0 })
  }

  @Test func valuesThatAreNotFiniteAreRefused() throws {
    for magnitude in [Float.greatestFiniteMagnitude, 1e38] {
      var huge = try TestNetwork.basic.network()
      let layer = "layer1.0.conv1"
      huge[convolution: layer].weights = huge[convolution: layer].weights.map {
        $0 < 0 ? -magnitude : magnitude
      }
      let fused = try Program(huge, inputSize: 32)
      #expect(throws: QuantizationError.notFinite(tensor: layer)) {
        try calibrate(fused, seeds: [1, 2, 3], threads: 2)
      }
    }
  }
}
