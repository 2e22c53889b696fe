// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import Testing

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
      #expect(throws: GraphError.missingTensor(name: name, expected: tensor.shape)) {
        try config.check(checkpoint)
      }
      #expect(throws: GraphError.missingTensor(name: name, expected: tensor.shape)) {
        try Graph(folding: checkpoint, config: config)
      }
      #expect(errorDescribing(checkpoint) != nil, "\(name)")
    }
  }

  @Test func everyWronglyShapedTensorIsNamed() throws {
    for (name, tensor) in sound.tensors {
      // Of equal count where possible, so that only the shape tells.
      for shape in [tensor.shape + [1], tensor.shape.dropLast() + [tensor.shape.last! + 1]] {
        var checkpoint = sound
        checkpoint.tensors[name] = zeros(Array(shape))
        #expect(
          throws: GraphError.wrongShape(name: name, expected: tensor.shape, found: Array(shape))
        ) { try config.check(checkpoint) }
        #expect(errorDescribing(checkpoint) != nil, "\(name)")
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
    guard case .unexpectedTensor("layer1.3.conv1.weight", _, _) = errorDescribing(checkpoint) else {
      Issue.record("expected the stray block to be named")
      return
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
