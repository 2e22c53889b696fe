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
      // A linear layer may have no bias.
      case nil where name == "fc.bias": break
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

  /// Expects the error of the sound tensors with one removed, or replaced by zeros of a shape.
  private func expect(
    _ name: String, _ shape: [Int]?, _ expected: GraphError, in checkpoint: Checkpoint? = nil,
    at location: SourceLocation = #_sourceLocation
  ) {
    var checkpoint = checkpoint ?? sound
    checkpoint.tensors[name] = shape.map(zeros)
    #expect(errorDescribing(checkpoint) == expected, sourceLocation: location)
  }

  @Test func wrongTensorsAreNamed() throws {
    for (name, shape) in [
      ("layer1.0.se.weight", [2]),
      // A block behind a gap in the numbers does not count as one.
      ("layer1.3.conv1.weight", [2, 2, 3, 3]),
    ] {
      expect(name, shape, .unexpectedTensor(name: name, found: shape, configuration: config.name))
    }
    #expect(config.name == "custom ResNet (basic blocks 2-2-2-2, channels 2-3-4-5)")
    // Some of them tell the configuration.
    for (name, shape, expected) in [
      ("conv1.weight", nil, "[channels, 3, 7, 7]"),
      ("fc.weight", [7, 5, 1, 1], "[outputs, features]"),
      ("layer1.0.conv1.weight", nil, "[channels, inputs, 3, 3]"),
    ] as [(String, [Int]?, String)] {
      expect(name, shape, .notTelling(name: name, expected: expected, found: shape))
    }
    expect(
      "conv1.weight", [9, 3, 7, 7], .wrongShape(name: "bn1.weight", expected: [9], found: [2]))
    expect(
      "fc.weight", [0, 5], .implausible(what: "output dimension", expected: 1...65536, found: 0))
    // ResNeXt's 3×3 convolutions have fewer input channels than the layer before gives: in all blocks.
    expect(
      "layer1.0.conv2.weight", [2, 1, 3, 3],
      .wrongShape(name: "layer1.1.conv2.weight", expected: [2, 1, 3, 3], found: [2, 2, 3, 3]),
      in: .random(config: try narrow(.resnet50), seed: 1))
  }

  @Test func negativeVarianceIsNamed() {
    var checkpoint = sound
    let name = "layer2.1.bn2.running_var"
    checkpoint.tensors[name] = Tensor(shape: [3], values: [1, 0, -1e-7])
    #expect(errorDescribing(checkpoint) == .negativeVariance(name: name, index: 2, found: -1e-7))
    checkpoint.tensors[name] = Tensor(shape: [3], values: [1, 0, -0.0])
    #expect(errorDescribing(checkpoint) == nil)
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
    #expect(try Network(Checkpoint.random(config: config, seed: 2)).config == config)
  }

  @Test(arguments: ResNetConfig.named)
  func configurationIsReadOffTheTensors(known: ResNetConfig) throws {
    let config = try narrow(known)
    #expect(try Network(Checkpoint.random(config: config, seed: 1)).config == config)
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
      .optionMismatch(option: "x", expected: "y", found: "z"),
      .strideMismatch(expected: "first", found: "3x3"),
      .unfit(layer: hostile, expected: "x", found: "y"),
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
