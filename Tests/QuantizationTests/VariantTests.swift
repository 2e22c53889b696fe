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

  /// Where a window overhangs the image, it cannot be a convolution.
  @Test(arguments: [
    (Network.Extent(48), 0), (Network.Extent(40), 1), (Network.Extent(49), 2),
    (Network.Extent(48, 49), 2),
  ])
  func poolsOfShortcutsAreFoldedWhereTheyFit(size: Network.Extent, pools: Int) throws {
    // 49 pixels become 25 by the first convolution, 13 by the max pool and 7 by the second stage; 40 become 10 and 5.
    let operations = try TestNetwork.pooled.program(inputSize: size).operations
    let found = operations.count { if case .averagePool = $0.kind { true } else { false } }
    #expect(found == pools)
  }

  /// Of a kernel of 1×1 a dilation means nothing, of one of 2×2 it would.
  @Test(arguments: [TestNetwork.pooled, .basic])
  func dilatedShortcutsAreThoseWithout(network: TestNetwork) throws {
    let image = testImage(64, seed: 6)
    let plain = try network.network()
    var dilated = plain
    for index in dilated.layers.indices {
      guard case .convolution(var convolution) = dilated.layers[index].kind,
        convolution.kernel == Network.Extent(1)
      else { continue }
      convolution.dilation = Network.Extent(2, 3)
      dilated.layers[index].kind = .convolution(convolution)
    }
    #expect(dilated.layers != plain.layers)
    let expected = try Program(plain, inputSize: 64).logits(image)
    let found = try Program(dilated, inputSize: 64).logits(image)
    #expect(found == expected)
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
