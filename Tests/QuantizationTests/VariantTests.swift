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
  private let mean = SIMD3<Float>(0.485, 0.456, 0.406)
  private let std = SIMD3<Float>(0.229, 0.224, 0.225)

  /// Random weights with batch norms that do something.
  private func checkpoint(_ config: ResNetConfig) -> Checkpoint {
    var checkpoint = Checkpoint.random(config: config, seed: 5)
    var generator = RandomGenerator(seed: 6)
    for (name, tensor) in checkpoint.tensors.sorted(by: { $0.key < $1.key })
    where tensor.shape.count == 1 && !name.hasPrefix("fc") {
      let range: ClosedRange<Float> =
        name.hasSuffix("running_var") || name.hasSuffix("weight") ? 0.5...1.5 : -0.3...0.3
      let values = tensor.values.map { _ in Float.random(in: range, using: &generator) }
      checkpoint.tensors[name] = Tensor(shape: tensor.shape, values: values)
    }
    return checkpoint
  }

  private func difference(_ found: [Float], _ expected: [Double]) -> Double {
    let greatest = expected.map(abs).max() ?? 0
    return zip(found, expected).map { abs(Double($0) - $1) }.max()! / greatest
  }

  private func logits(_ network: Network, _ image: [UInt8], _ size: Int) throws -> [Float] {
    let fused = try Program(network, inputSize: size)
    let executor = FloatExecutor(
      FloatModel(fused, preprocessing: PreprocessingRecord(resize: size, crop: size)))
    executor.run(image)
    return executor.values(of: fused.logitsTensor)
  }

  @Test(arguments: TestNetwork.all, [32, 45])
  func tensorsBecomeTheirNetwork(network: TestNetwork, size: Int) throws {
    guard try network.suits(size) else { return }
    let source = checkpoint(network.config)
    let described = try Network(source, bottleneckStride: network.config.bottleneckStride)
    #expect(described.config == network.config)
    let image = testImage(size, seed: 3)
    let expected = try UnfoldedNetwork(source, network.config)
      .logits(image, size: size, mean: mean, std: std)
    let found = try logits(described, image, size)
    #expect(difference(found, expected) < 1e-4)
  }

  /// The place of the stride is no detail: the other place is another network.
  @Test func placeOfTheStrideMatters() throws {
    let source = checkpoint(TestNetwork.bottleneck.config)
    let image = testImage(32, seed: 4)
    var results: [[Float]] = []
    for place in [ResNetConfig.BottleneckStride.first, .second] {
      let network = try Network(source, bottleneckStride: place)
      #expect(network.config?.bottleneckStride == place)
      results.append(try logits(network, image, 32))
    }
    #expect(difference(results[0], results[1].map(Double.init)) > 0.01)
  }

  @Test func oddSizesBeforeAPoolAreRefused() throws {
    // 49 pixels become 25 by the first convolution, 13 by the max pool.
    #expect(throws: GraphError.oddPooledSize(inputSize: 49, block: "layer2.0", size: 13)) {
      try TestNetwork.pooled.program(inputSize: 49)
    }
    #expect(throws: GraphError.oddPooledSize(inputSize: 40, block: "layer3.0", size: 5)) {
      try TestNetwork.pooled.program(inputSize: 40)
    }
    for size in [32, 48, 224] { #expect(try TestNetwork.pooled.suits(size)) }
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
