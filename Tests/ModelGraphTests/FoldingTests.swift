// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import Testing

@Suite struct FoldingTests {
  /// One basic block of two channels behind a stem, with batch norms that do something.
  private func example() throws -> (Checkpoint, ResNetConfig) {
    let config = try ResNetConfig(
      block: .basic, blockCounts: [1, 1], channels: [2, 3], outputDimension: 2)
    var checkpoint = Checkpoint.random(config: config, seed: 11)
    for (name, tensor) in checkpoint.tensors where name.contains("bn") || name.contains(".1.") {
      let values = tensor.values.indices.map { index -> Float in
        let step = Float(index + name.count)
        if name.hasSuffix("running_var") { return step * 0.37 }
        return index == 0 ? -0.3 * step : 0.11 * step
      }
      checkpoint.tensors[name] = Tensor(shape: tensor.shape, values: values)
    }
    return (checkpoint, config)
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

  @Test func everyConvolutionIsFolded() throws {
    let (checkpoint, config) = try example()
    let graph = try Graph(folding: checkpoint, config: config)
    try expectFolded(graph.stem[0], checkpoint, weights: "conv1", norm: "bn1")
    for block in graph.blocks {
      for (index, convolution) in block.branch.enumerated() {
        try expectFolded(
          convolution, checkpoint, weights: "\(block.name).conv\(index + 1)",
          norm: "\(block.name).bn\(index + 1)")
      }
    }
    guard case .convolution(let downsample) = graph.blocks[1].shortcut else {
      Issue.record("expected a downsample")
      return
    }
    try expectFolded(
      downsample, checkpoint, weights: "layer2.0.downsample.0", norm: "layer2.0.downsample.1")
    #expect(graph.head.weights == checkpoint.tensors["fc.weight"]?.values)
    #expect(graph.head.bias == checkpoint.tensors["fc.bias"]?.values)
  }

  @Test func handComputedNumbers() throws {
    var (checkpoint, config) = try example()
    let count = 3 * 7 * 7
    checkpoint.tensors["conv1.weight"] = Tensor(
      shape: [2, 3, 7, 7],
      values: [Float](repeating: 3, count: count) + [Float](repeating: 5, count: count))
    // Variances that make sqrt(variance + 1e-5) nearly 2 and 0.5.
    checkpoint.tensors["bn1.running_var"] = Tensor(shape: [2], values: [3.99999, 0.24999])
    checkpoint.tensors["bn1.weight"] = Tensor(shape: [2], values: [-4, 0])
    checkpoint.tensors["bn1.bias"] = Tensor(shape: [2], values: [1, 7])
    checkpoint.tensors["bn1.running_mean"] = Tensor(shape: [2], values: [10, 100])
    let stem = try Graph(folding: checkpoint, config: config).stem[0]
    #expect(stem.weights[..<count].allSatisfy { abs($0 + 6) < 1e-6 })
    #expect(stem.weights[count...].allSatisfy { $0 == 0 })
    #expect(abs(stem.bias[0] - 21) < 1e-5)
    #expect(stem.bias[1] == 7)
  }

  @Test func zeroVarianceIsKeptFromDividingByZero() throws {
    var (checkpoint, config) = try example()
    checkpoint.tensors["bn1.running_var"] = Tensor(shape: [2], values: [0, 0])
    checkpoint.tensors["bn1.weight"] = Tensor(shape: [2], values: [1, 1])
    let stem = try Graph(folding: checkpoint, config: config).stem[0]
    let source = try #require(checkpoint.tensors["conv1.weight"]).values
    for (folded, weight) in zip(stem.weights, source) {
      #expect(abs(folded - weight * 316.227_77) <= abs(folded) * 1e-6)
    }
  }

  @Test func overflowNamesTheLayer() throws {
    var (checkpoint, config) = try example()
    let greatest: [Float] = [1, 1, .greatestFiniteMagnitude]
    // The deviation of a variance of 0 is about 1/316, so the third channel overflows.
    checkpoint.tensors["layer2.0.downsample.1.running_var"] = Tensor(shape: [3], values: [0, 0, 0])
    checkpoint.tensors["layer2.0.downsample.1.weight"] = Tensor(shape: [3], values: greatest)
    checkpoint.tensors["layer2.0.downsample.0.weight"] = Tensor(
      shape: [3, 2, 1, 1], values: [1, 1, 1, 1, 0, -1])
    #expect(
      throws: GraphError.nonFiniteFold(
        layer: "layer2.0.downsample", part: "weight", index: 5, found: -.infinity)
    ) { try Graph(folding: checkpoint, config: config) }

    (checkpoint, config) = try example()
    checkpoint.tensors["layer1.0.bn2.running_var"] = Tensor(shape: [2], values: [1, 0])
    checkpoint.tensors["layer1.0.bn2.weight"] = Tensor(shape: [2], values: [1, 1])
    checkpoint.tensors["layer1.0.bn2.running_mean"] = Tensor(
      shape: [2], values: [0, .greatestFiniteMagnitude])
    #expect(
      throws: GraphError.nonFiniteFold(
        layer: "layer1.0.conv2", part: "bias", index: 1, found: -.infinity)
    ) { try Graph(folding: checkpoint, config: config) }
  }

  @Test func structureOfBasicBlocks() throws {
    let config = try narrow(.resnet18)
    let graph = try Graph(folding: .random(config: config, seed: 5), config: config)
    #expect(graph.config == config)
    #expect(graph.stem.map(\.name) == ["conv1"])
    #expect([graph.stem[0].kernelSize, graph.stem[0].stride, graph.stem[0].padding] == [7, 2, 3])
    #expect(graph.stem[0].isRectified)
    #expect(graph.blocks.map(\.name) == (1...4).flatMap { ["layer\($0).0", "layer\($0).1"] })
    for (index, block) in graph.blocks.enumerated() {
      let halves = index > 0 && index.isMultiple(of: 2)
      #expect(block.branch.map(\.stride) == [halves ? 2 : 1, 1])
      #expect(block.branch.map(\.kernelSize) == [3, 3])
      #expect(block.branch.map(\.padding) == [1, 1])
      #expect(block.branch.map(\.isRectified) == [true, false])
      #expect(block.branch[0].outputChannels == block.branch[1].inputChannels)
      switch block.shortcut {
      case .identity: #expect(!halves)
      case .convolution(let downsample):
        #expect(halves)
        #expect(downsample.name == block.name + ".downsample")
        #expect([downsample.kernelSize, downsample.stride, downsample.padding] == [1, 2, 0])
        #expect(!downsample.isRectified)
        #expect(downsample.inputChannels == block.branch[0].inputChannels)
        #expect(downsample.outputChannels == block.branch[1].outputChannels)
      }
    }
    #expect([graph.head.inputCount, graph.head.outputCount] == [5, 7])
    #expect(graph.head.weights.count == 35)
  }

  @Test func structureOfBottlenecks() throws {
    let config = try narrow(.resnet50)
    let graph = try Graph(folding: .random(config: config, seed: 5), config: config)
    #expect(graph.blocks.count == 16)
    let first = graph.blocks[0]
    #expect(first.branch.map(\.outputChannels) == [2, 2, 8])
    #expect(first.branch.map(\.stride) == [1, 1, 1])
    guard case .convolution(let widening) = first.shortcut else {
      Issue.record("expected layer1.0 to widen its shortcut")
      return
    }
    #expect([widening.inputChannels, widening.outputChannels, widening.stride] == [2, 8, 1])
    // V1.5: the stride is in the 3×3 convolution.
    let halving = graph.blocks[3]
    #expect(halving.name == "layer2.0")
    #expect(halving.branch.map(\.kernelSize) == [1, 3, 1])
    #expect(halving.branch.map(\.padding) == [0, 1, 0])
    #expect(halving.branch.map(\.stride) == [1, 2, 1])
    #expect(halving.branch.map(\.isRectified) == [true, true, false])
    #expect(graph.head.inputCount == 20)
  }

  @Test func deadBranchesAreDropped() throws {
    let config = try narrow(.resnet50)
    var graph = try Graph(
      folding: .random(config: config, seed: 6, zeroInitResidual: true), config: config)
    #expect(graph.blocks.allSatisfy { $0.branch.count == 3 })
    let shortcuts = graph.blocks.map(\.shortcut)
    #expect(graph.dropDeadBranches() == graph.blocks.map(\.name))
    #expect(graph.blocks.allSatisfy { $0.branch.isEmpty })
    #expect(graph.blocks.map(\.shortcut) == shortcuts)
    #expect(graph.dropDeadBranches().isEmpty)
  }

  @Test func branchesThatAddSomethingAreKept() throws {
    let config = try narrow(.resnet18)
    var live = try Graph(folding: .random(config: config, seed: 6), config: config)
    let before = live
    #expect(live.dropDeadBranches().isEmpty)
    #expect(live == before)

    // Weights of zero with a bias add a constant; one weight in one channel adds something.
    var checkpoint = Checkpoint.random(config: config, seed: 6, zeroInitResidual: true)
    checkpoint.tensors["layer1.0.bn2.bias"] = Tensor(shape: [2], values: [0, 0.5])
    checkpoint.tensors["layer3.1.bn2.weight"] = Tensor(shape: [4], values: [0, 0, 0, 1e-3])
    var graph = try Graph(folding: checkpoint, config: config)
    let dropped = graph.dropDeadBranches()
    #expect(dropped.count == 6)
    #expect(!dropped.contains("layer1.0") && !dropped.contains("layer3.1"))
  }
}
