// SPDX-License-Identifier: Apache-2.0

extension ResNetConfig {
  /// A convolution of the network and the batch norm behind it, without weights.
  package struct Slot: Sendable {
    /// Where it is; all count from 0.
    package enum Place: Equatable, Sendable {
      case stem(Int)
      case branch(Int, block: Int, stage: Int)
      case shortcut(block: Int, stage: Int)
    }

    package var place: Place
    /// The convolution's name, which is torchvision's, and the batch norm's.
    package var name, normName: String
    package var inputChannels, outputChannels: Int
    /// Of both directions.
    package var kernelSize, stride: Int
    /// Whether the stride is that of an average pool of 2×2 before the convolution.
    package var isPooled = false

    /// Output, input, height, width.
    package var shape: [Int] { [outputChannels, inputChannels, kernelSize, kernelSize] }

    /// The convolution with its weights.
    func convolution(_ parameters: Parameters) -> Network.Convolution {
      Network.Convolution(
        inputChannels: inputChannels, outputChannels: outputChannels,
        kernel: .init(kernelSize), stride: .init(isPooled ? 1 : stride),
        padding: .init(kernelSize / 2), weights: parameters.weights, bias: parameters.bias)
    }
  }

  /// What a slot is filled with; a convolution whose batch norm was folded has a bias and no norm.
  package struct Parameters {
    package var weights: [Float]
    package var bias: [Float]?
    package var norm: Network.BatchNorm?

    package init(weights: [Float], bias: [Float]?, norm: Network.BatchNorm?) {
      (self.weights, self.bias, self.norm) = (weights, bias, norm)
    }
  }

  struct BlockSlots {
    var name: String
    var branch: [Slot]
    /// nil for the identity.
    var shortcut: Slot?
  }

  var stemSlots: [Slot] {
    let count = stemChannels.count
    return stemChannels.indices.map { index in
      // A deep conv1 is a sequence of convolution, norm and ReLU, but the last norm is bn1.
      Slot(
        place: .stem(index), name: count == 1 ? "conv1" : "conv1.\(3 * index)",
        normName: index == count - 1 ? "bn1" : "conv1.\(3 * index + 1)",
        inputChannels: index == 0 ? 3 : stemChannels[index - 1],
        outputChannels: stemChannels[index], kernelSize: count == 1 ? 7 : 3,
        stride: index == 0 ? 2 : 1)
    }
  }

  var blockSlots: [BlockSlots] {
    var input = stemChannels[stemChannels.count - 1]
    var blocks: [BlockSlots] = []
    for (stage, count) in blockCounts.enumerated() {
      for index in 0..<count {
        blocks.append(block(index, stage: stage, input: input))
        input = channels[stage] * expansion
      }
    }
    return blocks
  }

  /// All convolutions in the order of the network.
  package var slots: [Slot] {
    stemSlots + blockSlots.flatMap { $0.branch + ($0.shortcut.map { [$0] } ?? []) }
  }

  private func block(_ index: Int, stage: Int, input: Int) -> BlockSlots {
    let name = "layer\(stage + 1).\(index)"
    let stride = stage > 0 && index == 0 ? 2 : 1
    let inner =
      innerChannels?[stage][index]
      ?? [Int](repeating: branchChannels[stage], count: block.convolutionCount - 1)
    let output = channels[stage] * expansion
    // V1 has the stride of a bottleneck in the first 1×1 convolution, V1.5 in the 3×3 one.
    let (first, second) = bottleneckStride == .first ? (stride, 1) : (1, stride)
    // (kernel, stride, output channels) of each convolution.
    let shapes: [(Int, Int, Int)] =
      switch block {
      case .basic: [(3, stride, inner[0]), (3, 1, output)]
      case .bottleneck: [(1, first, inner[0]), (3, second, inner[1]), (1, 1, output)]
      }
    var slots = BlockSlots(name: name, branch: [])
    for (place, (kernel, stride, outputs)) in shapes.enumerated() {
      slots.branch.append(
        Slot(
          place: .branch(place, block: index, stage: stage), name: "\(name).conv\(place + 1)",
          normName: "\(name).bn\(place + 1)",
          inputChannels: slots.branch.last?.outputChannels ?? input, outputChannels: outputs,
          kernelSize: kernel, stride: stride))
    }
    if stride != 1 || input != output {
      slots.shortcut = Slot(
        place: .shortcut(block: index, stage: stage), name: "\(name).downsample",
        normName: "\(name).downsample.\(poolsShortcuts ? 2 : 1)", inputChannels: input,
        outputChannels: output, kernelSize: 1, stride: stride,
        isPooled: poolsShortcuts && stride != 1)
    }
    return slots
  }
}

extension Network.Pool {
  /// Whether it is the average pool of a shortcut, if no window overhangs the image; lowering refuses sizes for
  /// which one would.
  var isShortcutPool: Bool {
    var window = self
    (window.countsPadding, window.roundsUp) = (false, false)
    return window == Network.shortcutPool
  }
}

extension Network {
  /// The max pool behind the stem.
  static let stemPool = Pool(kernel: .init(3), stride: .init(2), padding: .init(1))
  /// The average pool of a shortcut, which images of even size fill.
  static let shortcutPool = Pool(kernel: .init(2), stride: .init(2))

  /// The network of a configuration.
  ///
  /// - Parameters:
  ///   - parameters: fills the slots, which are asked for in the order of `ResNetConfig.slots`.
  ///   - head: the linear layer's weights and biases, asked for last.
  package init<Failure: Error>(
    _ config: ResNetConfig, source: Source,
    parameters: (ResNetConfig.Slot) throws(Failure) -> ResNetConfig.Parameters,
    head: () throws(Failure) -> (weights: [Float], bias: [Float])
  ) throws(Failure) {
    self.init(source: source)
    self.config = config
    var x = Self.image
    for slot in config.stemSlots {
      x = append(slot, try parameters(slot), x, "stem")
      x = append("\(slot.name).relu", "stem", .relu, [x], slot.name)
    }
    x = append("maxpool", "stem", .maxPool(Self.stemPool), [x], "stem")
    for block in config.blockSlots {
      var y = x
      for (place, slot) in block.branch.enumerated() {
        if place > 0 {
          let name = block.branch[place - 1].name
          y = append("\(name).relu", block.name, .relu, [y], name)
        }
        y = append(slot, try parameters(slot), y, block.name)
      }
      if let slot = block.shortcut {
        if slot.isPooled {
          let name = "\(block.name).downsample.0"
          x = append(name, block.name, .averagePool(Self.shortcutPool), [x], name)
        }
        _ = append(slot, try parameters(slot), x, block.name)
        x = slot.name
        layers[layers.count - 1].output = x
      }
      x = append("\(block.name).add", block.name, .add, [y, x], "\(block.name) sum")
      x = append("\(block.name).relu", block.name, .relu, [x], block.name)
    }
    x = append("avgpool", "head", .globalAveragePool, [x], "features")
    let (weights, bias) = try head()
    let linear = Linear(
      name: "fc", inputCount: config.featureCount, outputCount: config.outputDimension,
      weights: weights, bias: bias)
    x = append("fc", "head", .linear(linear), [x], "logits")
    outputs = [
      Output(name: "features", value: "features", role: .features),
      Output(name: "logits", value: "logits", role: .logits),
    ]
  }

  private mutating func append(
    _ name: String, _ block: String, _ kind: Kind, _ inputs: [String], _ output: String
  ) -> String {
    layers.append(Layer(name: name, block: block, kind: kind, inputs: inputs, output: output))
    return output
  }

  /// A convolution and its batch norm.
  private mutating func append(
    _ slot: ResNetConfig.Slot, _ parameters: ResNetConfig.Parameters, _ x: String, _ block: String
  ) -> String {
    let y = append(
      slot.name, block, .convolution(slot.convolution(parameters)), [x], "\(slot.name) sums")
    guard let norm = parameters.norm else { return y }
    return append(slot.normName, block, .batchNorm(norm), [y], "\(slot.name) normed")
  }
}
