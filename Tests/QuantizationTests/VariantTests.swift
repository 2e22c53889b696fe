// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import TestPlans
import Testing

/// The variants that go by the name of ResNet, from tensors to logits.
@Suite struct VariantTests {
  @Test(arguments: TestNetwork.all, [32, 45])
  func tensorsBecomeTheirNetwork(network: TestNetwork, size: Int) throws {
    guard try network.suits(.init(size)) else { return }
    let source = Checkpoint.example(network.config)
    let described = try Network(source, bottleneckStride: network.config.bottleneckStride)
    #expect(described.config == network.config)
    let image = testImage(size, seed: 3)
    let expected = try UnfoldedNetwork(source, network.config).logits(image)
    let found = try Program(described, inputSize: size).logits(image)
    #expect(relativeDifference(found, expected) < 1e-4)
  }

  /// The place of the stride is no detail: the other place is another network.
  @Test func placeOfTheStrideMatters() throws {
    let source = Checkpoint.example(TestNetwork.bottleneck.config)
    let image = testImage(32, seed: 4)
    var results: [[Float]] = []
    for place in [ResNetConfig.BottleneckStride.first, .second] {
      let network = try Network(source, bottleneckStride: place)
      #expect(network.config?.bottleneckStride == place)
      results.append(try Program(network, inputSize: 32).logits(image))
    }
    #expect(relativeDifference(results[0], results[1]) > 0.01)
  }

  @Test func oddSizesBeforeAPoolAreRefused() throws {
    // 49 pixels become 25 by the first convolution, 13 by the max pool.
    #expect(throws: GraphError.oddPooledSize(inputSize: 49, block: "layer2.0", size: 13)) {
      try TestNetwork.pooled.program(inputSize: 49)
    }
    #expect(throws: GraphError.oddPooledSize(inputSize: 40, block: "layer3.0", size: 5)) {
      try TestNetwork.pooled.program(inputSize: 40)
    }
    for size in [32, 48, 224] { #expect(try TestNetwork.pooled.suits(.init(size))) }
    #expect(try TestNetwork.basic.suits(49))
  }

  @Test func namesSayWhatDiffers() throws {
    #expect(TestNetwork.wide.config.name.contains("branches 16-20"))
    let config = try ResNetConfig(
      block: .bottleneck, blockCounts: [3, 4, 6, 3], channels: [64, 128, 256, 512],
      outputDimension: 10, stemChannels: [32, 32, 64], bottleneckStride: .first,
      poolsShortcuts: true)
    #expect(
      config.name == "ResNet50 (stem 32-32-64, stride in the first 1×1, pooled shortcuts)")
  }
}
