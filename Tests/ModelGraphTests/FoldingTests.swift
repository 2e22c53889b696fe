// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

@Suite struct FoldingTests {
  /// One basic block of two channels behind a stem, and one of three.
  private func example() throws -> Checkpoint {
    .example(
      try ResNetConfig(block: .basic, blockCounts: [1, 1], channels: [2, 3], outputDimension: 2))
  }

  /// Batch norm of a convolution's output is the same as the folded convolution: compared term by
  /// term for unit inputs, from the definition `(y - mean) / sqrt(var + eps) * γ + β`.
  private func expectFolded(
    _ convolution: Convolution, _ checkpoint: Checkpoint, weights: String, norm: String
  ) throws {
    func values(_ name: String) throws -> [Double] {
      try #require(checkpoint.tensors[name]).values.map(Double.init)
    }
    let source = try values(weights + ".weight")
    let gamma = try values(norm + ".weight")
    let beta = try values(norm + ".bias")
    let mean = try values(norm + ".running_mean")
    let variance = try values(norm + ".running_var")
    let stride = source.count / gamma.count
    #expect(convolution.weights.count == source.count)
    #expect(convolution.bias.count == gamma.count)
    for channel in gamma.indices {
      func normed(_ y: Double) -> Double {
        (y - mean[channel]) / (variance[channel] + 0.00001).squareRoot() * gamma[channel]
          + beta[channel]
      }
      let bias = normed(0)
      // Half a unit in the last place of float32, and the float64 noise of this other formula.
      #expect(abs(Double(convolution.bias[channel]) - bias) <= abs(bias) * 0x1p-24 + 1e-14)
      for index in channel * stride..<(channel + 1) * stride {
        let weight = normed(source[index]) - bias
        #expect(
          abs(Double(convolution.weights[index]) - weight) <= abs(weight) * 0x1p-24 + 1e-14,
          "\(convolution.name), weight \(index)")
      }
    }
  }

  private func program(_ checkpoint: Checkpoint) throws -> Program {
    try Program(Network(checkpoint), inputSize: 32)
  }

  @Test func everyConvolutionIsFolded() throws {
    var checkpoint = try example()
    checkpoint.tensors["bn1.running_var"] = Tensor(shape: [2], values: [0, 0.25])
    let program = try program(checkpoint)
    let convolutions = program.convolutions
    #expect(
      convolutions.map(\.name) == [
        "conv1", "layer1.0.conv1", "layer1.0.conv2", "layer2.0.conv1", "layer2.0.downsample",
        "layer2.0.conv2",
      ])
    for convolution in convolutions {
      let isShortcut = convolution.name.hasSuffix("downsample")
      try expectFolded(
        convolution, checkpoint, weights: convolution.name + (isShortcut ? ".0" : ""),
        norm: isShortcut
          ? convolution.name + ".1"
          : convolution.name.replacing("conv", with: "bn"))
    }
    #expect(program.linear?.weights == checkpoint.tensors["fc.weight"]?.values)
    #expect(program.linear?.bias == checkpoint.tensors["fc.bias"]?.values)
  }

  @Test func overflowNamesTheLayer() throws {
    var checkpoint = try example()
    let greatest: [Float] = [1, 1, .greatestFiniteMagnitude]
    // The deviation of a variance of 0 is about 1/316, so the third channel overflows.
    checkpoint.tensors["layer2.0.downsample.1.running_var"] = Tensor(shape: [3], values: [0, 0, 0])
    checkpoint.tensors["layer2.0.downsample.1.weight"] = Tensor(shape: [3], values: greatest)
    checkpoint.tensors["layer2.0.downsample.0.weight"] = Tensor(
      shape: [3, 2, 1, 1], values: [1, 1, 1, 1, 0, -1])
    #expect(
      throws: GraphError.nonFiniteFold(
        layer: "layer2.0.downsample", part: "weight", index: 5, found: -.infinity)
    ) { try program(checkpoint) }

    checkpoint = try example()
    checkpoint.tensors["layer1.0.bn2.running_var"] = Tensor(shape: [2], values: [1, 0])
    checkpoint.tensors["layer1.0.bn2.weight"] = Tensor(shape: [2], values: [1, 1])
    checkpoint.tensors["layer1.0.bn2.running_mean"] = Tensor(
      shape: [2], values: [0, .greatestFiniteMagnitude])
    #expect(
      throws: GraphError.nonFiniteFold(
        layer: "layer1.0.conv2", part: "bias", index: 1, found: -.infinity)
    ) { try program(checkpoint) }
  }

  @Test func structureOfBasicBlocks() throws {
    let config = try narrow(.resnet18)
    let program = try Program(Network(random: config, seed: 5), inputSize: 64)
    #expect(program.name == config.name)
    #expect(program.outputs.map(\.role) == [.features, .logits])
    let operations = program.operations
    #expect(operations.count == 1 + 1 + 8 * 2 + 3 + 2)
    #expect(operations.filter { $0.block == "stem" }.map(\.name) == ["input", "conv1"])
    guard case .stem(let stem) = operations[1].kind else {
      Issue.record("expected the stem's pool to be fused")
      return
    }
    #expect([stem.kernelSize, stem.stride, stem.padding.top] == [7, 2, 3])
    #expect(operations[1].isRectified)
    for stage in 1...4 {
      for index in 0..<2 {
        let halves = stage > 1 && index == 0
        let name = "layer\(stage).\(index)"
        let block = operations.filter { $0.block == name }
        let names = halves ? ["conv1", "downsample", "conv2"] : ["conv1", "conv2"]
        #expect(block.map(\.name) == names.map { "\(name).\($0)" })
        #expect(block.map(\.isRectified) == (halves ? [true, false, true] : [true, true]))
        #expect(block.last?.input == block[0].output)
        #expect(block.last?.residual == (halves ? block[1].output : block[0].input))
        let layers = program.convolutions.filter { $0.name.hasPrefix(name) }
        #expect(layers.map(\.stride) == (halves ? [2, 2, 1] : [1, 1]))
        #expect(layers.map(\.kernelSize) == (halves ? [3, 1, 3] : [3, 3]))
        #expect(layers.map(\.padding) == (halves ? [1, 0, 1] : [1, 1]))
        #expect(program.tensors[block[block.count - 1].output].name == name)
      }
    }
    #expect(operations.suffix(2).map(\.name) == ["avgpool", "fc"])
    #expect([program.linear?.inputChannels, program.linear?.outputChannels] == [5, 7])
    // 64 pixels are 32 behind the stem, 16 behind its pool, 2 in the last stage.
    #expect(program.tensors.map(\.height).suffix(3) == [2, 1, 1])
  }

  /// Height and width go their own ways.
  @Test func imagesNeedNotBeSquare() throws {
    let program = try Program(
      Network(random: try narrow(.resnet18), seed: 5), height: 64, width: 96)
    for tensor in program.tensors where tensor.height > 1 {
      #expect(tensor.width * 2 == tensor.height * 3, "\(tensor.name)")
    }
    #expect(program.tensors[0].width == 96)
  }

  @Test func deadBranchesAreDropped() throws {
    let config = try narrow(.resnet50)
    var network = Network(random: config, seed: 6, zeroInitResidual: true)
    try network.foldBatchNorms()
    let blocks = (1...4).flatMap { stage in
      (0..<config.blockCounts[stage - 1]).map { "layer\(stage).\($0)" }
    }
    #expect(network.dropDeadBranches() == blocks)
    #expect(network.dropDeadBranches().isEmpty)
    let program = try Program(network, inputSize: 32)
    let shortcuts = (1...4).map { "layer\($0).0.downsample" }
    #expect(program.operations.map(\.name) == ["input", "conv1"] + shortcuts + ["avgpool", "fc"])
    #expect(program.operations.dropLast().dropFirst().allSatisfy { $0.isRectified })
    #expect(program.operations.allSatisfy { $0.residual == nil })
  }

  @Test func branchesThatAddSomethingAreKept() throws {
    let config = try narrow(.resnet18)
    var live = Network(random: config, seed: 6)
    try live.foldBatchNorms()
    let before = live
    #expect(live.dropDeadBranches().isEmpty)
    #expect(live == before)

    // Weights of zero with a bias add a constant; one weight in one channel adds something.
    var checkpoint = Checkpoint.random(config: config, seed: 6, zeroInitResidual: true)
    checkpoint.tensors["layer1.0.bn2.bias"] = Tensor(shape: [2], values: [0, 0.5])
    checkpoint.tensors["layer3.1.bn2.weight"] = Tensor(shape: [4], values: [0, 0, 0, 1e-3])
    var network = try Network(checkpoint)
    try network.foldBatchNorms()
    let dropped = network.dropDeadBranches()
    #expect(dropped.count == 6)
    #expect(!dropped.contains("layer1.0") && !dropped.contains("layer3.1"))
  }
}
