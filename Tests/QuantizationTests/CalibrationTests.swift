// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetPlanning
import ResNetQuantization
import Synchronization
import TestPlans
import Testing

@Suite struct CalibrationTests {
  private static let methods: [CalibrationMethod] = [
    .minMax, .movingAverage, .percentile(99.9), .entropy, .meanSquaredError,
  ]

  private let graph: Program
  private let model: FloatModel

  init() throws {
    graph = try TestNetwork.bottleneck.program(inputSize: 32)
    model = graph.model
  }

  @Test func threadsAndTheOrderOfImagesDoNotMatter() throws {
    let seeds = Array(0..<7) as [UInt64]
    let expected = try Calibration(of: model, seeds: seeds, threads: 1).histograms
    #expect(expected.count == graph.tensors.count)
    #expect(expected[0].count == 7 * 32 * 32 * 3)
    #expect(try Calibration(of: model, seeds: seeds, threads: 3).histograms == expected)
    let permuted = seeds.map { ($0 * 3 + 2) % 7 }
    #expect(try Calibration(of: model, seeds: permuted, threads: 3).histograms == expected)
    let others = seeds.map { $0 + 1 }
    #expect(try Calibration(of: model, seeds: others, threads: 1).histograms != expected)
  }

  @Test func rectifiedTensorsStartAtZero() throws {
    let calibration = try Calibration(of: model, seeds: Array(0..<7), threads: 2)
    for method in [CalibrationMethod.minMax, .percentile(99)] {
      let scales = calibration.scales(of: graph, method: method)
      for (tensor, scale) in zip(graph.tensors, scales) where tensor.isRectified {
        #expect(scale.zeroPoint == 0)
      }
    }
    let all = calibration.scales(of: graph, method: .minMax)
    let most = calibration.scales(of: graph, method: .percentile(99))
    #expect(zip(all, most).allSatisfy { $0.scale >= $1.scale })
    #expect(zip(all, most).contains { $0.scale > $1.scale })
  }

  @Test func whatIsOnlyAddedIsNotClipped() throws {
    let calibration = try Calibration(of: model, seeds: Array(0..<7), threads: 2)
    let all = calibration.scales(of: graph, method: .minMax)
    let most = calibration.scales(of: graph, method: .percentile(90))
    let shortcuts = graph.operations.filter { $0.name.hasSuffix("downsample") }.map(\.output)
    #expect(!shortcuts.isEmpty)
    for tensor in graph.tensors.indices {
      #expect(
        (all[tensor] == most[tensor]) == shortcuts.contains(tensor), "\(graph.tensors[tensor].name)"
      )
    }
  }

  @Test func everyImageIsCounted() throws {
    let seen = Mutex<[Int]>([])
    _ = try Calibration(
      observing: model, imageCount: 7, threads: 3, image: { testImage(32, seed: UInt64($0)) },
      progress: { done in seen.withLock { $0.append(done) } })
    #expect(seen.withLock { $0.sorted() } == Array(1...7))
  }

  private struct Unreadable: Error, Equatable {
    var image: Int
  }

  @Test(arguments: [1, 3]) func theFirstErrorIsThrown(threads: Int) throws {
    #expect(throws: Unreadable(image: 2)) {
      try Calibration(
        observing: model, imageCount: 7, threads: threads,
        image: { index in
          // The earliest of the bad images is the slowest to fail.
          if index == 2 { Thread.sleep(forTimeInterval: 0.05) }
          if index >= 2 { throw Unreadable(image: index) }
          return testImage(32, seed: UInt64(index))
        }, progress: { _ in })
    }
  }

  @Test func theMovingAverageGoesATenthOfTheWay() throws {
    let all = try Calibration(of: model, seeds: [3, 1, 2], threads: 2)
    let each = try [3, 1, 2].map { try Calibration(of: model, seeds: [$0], threads: 1) }
    for tensor in graph.tensors.indices {
      let highs = each.map { Double($0.histograms[tensor].maximum) }
      let second = highs[0] + 0.1 * (highs[1] - highs[0])
      let expected = Float(second + 0.1 * (highs[2] - second))
      #expect(all.range(of: tensor, method: .movingAverage).high == expected)
    }
  }

  @Test func partsTogetherAreTheWhole() throws {
    let whole = try Calibration(of: model, seeds: [5, 6, 7, 8], threads: 2)
    let parts = Calibration(
      merging: try Calibration(of: model, seeds: [5], threads: 1),
      try Calibration(of: model, seeds: [6, 7, 8], threads: 2))
    for method in Self.methods {
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
    let calibration = try Calibration(of: fused.model, seeds: [1, 2], threads: 1)
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
        try Calibration(of: fused.model, seeds: [1, 2, 3], threads: 2)
      }
    }
  }
}
