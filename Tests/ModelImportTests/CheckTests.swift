// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

/// The error that the network of `checkpoint` gives, nil if it is sound.
private func errorDescribing(_ checkpoint: Checkpoint) -> GraphError? {
  do {
    _ = try Network(checkpoint)
    return nil
  } catch {
    return error
  }
}

@Suite struct CheckTests {
  private let sound: Checkpoint
  private let config: ResNetConfig

  init() throws {
    config = try narrow(.resnet18)
    sound = Checkpoint.random(config: config, seed: 1)
  }

  private func zeros(_ shape: [Int]) -> Tensor {
    Tensor(shape: shape, values: [Float](repeating: 0, count: shape.reduce(1, *)))
  }

  @Test func everyMissingTensorIsNamed() throws {
    for (name, tensor) in sound.tensors {
      var checkpoint = sound
      checkpoint.tensors[name] = nil
      // Some of them tell the configuration.
      switch errorDescribing(checkpoint) {
      case .missingTensor(name, tensor.shape), .notTelling(name, _, nil): break
      // Blocks are counted by their first convolution: the rest of one, or of a stage, is what is wrong then.
      case .unexpectedTensor(let rest, _, _)?:
        #expect(name.hasSuffix(".conv1.weight") && rest.hasPrefix(name.prefix(9)), "\(rest)")
      case .wrongShape("fc.weight", _, _):
        #expect(name.hasSuffix(".0.conv1.weight"), "\(name)")
      case let error: Issue.record("\(name): \(String(describing: error))")
      }
    }
  }

  @Test func everyWronglyShapedTensorIsNamed() throws {
    for (name, tensor) in sound.tensors {
      // Of equal count where possible, so that only the shape tells.
      for shape in [tensor.shape + [1], tensor.shape.dropLast() + [tensor.shape.last! + 1]] {
        var checkpoint = sound
        checkpoint.tensors[name] = zeros(Array(shape))
        switch errorDescribing(checkpoint) {
        case .wrongShape(name, tensor.shape, Array(shape)), .notTelling(name, _, Array(shape)):
          break
        case let error: Issue.record("\(name): \(String(describing: error))")
        }
      }
    }
  }

  @Test func unexpectedTensorIsNamed() {
    var checkpoint = sound
    checkpoint.tensors["layer1.0.se.weight"] = zeros([2])
    #expect(
      errorDescribing(checkpoint)
        == .unexpectedTensor(
          name: "layer1.0.se.weight", found: [2],
          configuration: "custom ResNet (basic blocks 2-2-2-2, channels 2-3-4-5)"))
    // A block behind a gap in the numbers does not count as one.
    checkpoint = sound
    checkpoint.tensors["layer1.3.conv1.weight"] = zeros([2, 2, 3, 3])
    #expect(
      errorDescribing(checkpoint)
        == .unexpectedTensor(
          name: "layer1.3.conv1.weight", found: [2, 2, 3, 3], configuration: config.name))
  }

  @Test func countersMayBeAbsentSkippedOrFloat() {
    var checkpoint = sound
    checkpoint.skipped = ["bn1.num_batches_tracked", "layer2.0.downsample.1.num_batches_tracked"]
    checkpoint.tensors["layer1.0.bn1.num_batches_tracked"] = Tensor(shape: [], values: [5])
    #expect(errorDescribing(checkpoint) == nil)
    checkpoint.skipped.append("layer9.counter")
    #expect(
      errorDescribing(checkpoint)
        == .unexpectedIntegerTensor(name: "layer9.counter", configuration: config.name))
  }

  @Test func tensorsThatTellTheConfigurationAreNamed() {
    var checkpoint = sound
    checkpoint.tensors["conv1.weight"] = nil
    #expect(
      errorDescribing(checkpoint)
        == .notTelling(name: "conv1.weight", expected: "[channels, 3, 7, 7]", found: nil))
    checkpoint = sound
    checkpoint.tensors["fc.weight"] = zeros([7, 5, 1, 1])
    #expect(
      errorDescribing(checkpoint)
        == .notTelling(name: "fc.weight", expected: "[outputs, features]", found: [7, 5, 1, 1]))
    checkpoint = sound
    checkpoint.tensors["layer1.0.conv1.weight"] = nil
    #expect(
      errorDescribing(checkpoint)
        == .notTelling(
          name: "layer1.0.conv1.weight", expected: "[channels, inputs, 3, 3]", found: nil))
    checkpoint = sound
    checkpoint.tensors["conv1.weight"] = zeros([9, 3, 7, 7])
    #expect(
      errorDescribing(checkpoint)
        == .wrongShape(name: "bn1.weight", expected: [9], found: [2]))
    checkpoint.tensors["fc.weight"] = zeros([0, 5])
    #expect(
      errorDescribing(checkpoint)
        == .implausible(what: "output dimension", expected: 1...65536, found: 0))
  }

  @Test func groupedConvolutionsAreRefused() throws {
    // ResNeXt's 3×3 convolutions have fewer input channels than the layer before gives.
    let config = try narrow(.resnet50)
    var checkpoint = Checkpoint.random(config: config, seed: 1)
    checkpoint.tensors["layer1.0.conv2.weight"] = zeros([2, 1, 3, 3])
    #expect(
      errorDescribing(checkpoint)
        == .groupedConvolution(name: "layer1.0.conv2.weight", groups: 2))
  }

  @Test func negativeVarianceIsNamed() {
    var checkpoint = sound
    checkpoint.tensors["layer2.1.bn2.running_var"] = Tensor(shape: [3], values: [1, 0, -1e-7])
    #expect(
      errorDescribing(checkpoint)
        == .negativeVariance(name: "layer2.1.bn2.running_var", index: 2, found: -1e-7))
    checkpoint.tensors["layer2.1.bn2.running_var"] = Tensor(shape: [3], values: [1, 0, -0.0])
    #expect(errorDescribing(checkpoint) == nil)
  }

  @Test(arguments: ResNetConfig.named)
  func configurationIsReadOffTheTensors(known: ResNetConfig) throws {
    let config = try narrow(known)
    let checkpoint = Checkpoint.random(config: config, seed: 1)
    #expect(try Network(checkpoint).config == config)
  }

  @Test(arguments: [
    (ResNetConfig.Block.basic, [1], [4], 1), (.basic, [1, 3], [4, 4], 2),
    (.bottleneck, [2, 1, 4], [3, 1, 2], 5), (.basic, [1, 2, 1, 3], [8, 4, 8, 2], 11),
  ])
  func customConfigurationIsReadOffTheTensors(
    block: ResNetConfig.Block, counts: [Int], channels: [Int], outputs: Int
  ) throws {
    let config = try ResNetConfig(
      block: block, blockCounts: counts, channels: channels, outputDimension: outputs)
    let checkpoint = Checkpoint.random(config: config, seed: 2)
    #expect(try Network(checkpoint).config == config)
  }

  @Test func errorsAreOneLine() {
    let hostile = "a\nb\u{1b}"
    let errors: [GraphError] = [
      .unknownArchitecture(name: hostile), .implausible(what: "x", expected: 1...2, found: 3),
      .stageCountMismatch(blockCounts: 1, channels: 2),
      .architectureMismatch(expected: "ResNet50", found: "ResNet18"),
      .missingTensor(name: hostile, expected: [1]),
      .unexpectedTensor(name: hostile, found: [1], configuration: "ResNet18"),
      .unexpectedIntegerTensor(name: hostile, configuration: "ResNet18"),
      .wrongShape(name: hostile, expected: [1], found: [2]),
      .notTelling(name: hostile, expected: "[1]", found: nil),
      .groupedConvolution(name: hostile, groups: 2), .preactivation(name: hostile),
      .strideMismatch(expected: "first", found: "second"),
      .unfit(layer: hostile, expected: "x", found: "y"),
      .oddPooledSize(inputSize: 33, block: "layer2.0", size: 9),
      .negativeVariance(name: hostile, index: 0, found: -1),
      .nonFiniteFold(layer: "conv1", part: "bias", index: 0, found: .infinity),
    ]
    for error in errors {
      let text = "\(error)"
      #expect(text.contains("expected") && text.contains("found"), "\(text)")
      #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "\(text)")
    }
  }
}
