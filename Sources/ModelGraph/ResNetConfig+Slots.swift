// SPDX-License-Identifier: Apache-2.0

extension ResNetConfig {
  /// A part with parameters; all count from 0.
  package enum Place: Hashable, Sendable {
    case stem(Int)
    case stemNorm(Int)
    case stemSlopes
    /// The convolution instead of the stem's max pool.
    case stemPool
    case stemPoolNorm
    case branch(Int, block: Int, stage: Int)
    /// The norm behind a convolution of a branch or before it, as the network's order says. Faces have another one.
    case branchNorm(Int, block: Int, stage: Int)
    case branchSlopes(block: Int, stage: Int)
    /// The first or the second convolution of a gate.
    case gate(Int, block: Int, stage: Int)
    case shortcut(block: Int, stage: Int)
    case shortcutNorm(block: Int, stage: Int)
    /// The norm behind all stages.
    case lastNorm
    case linear
    /// The norm behind the linear layer of faces.
    case embeddingNorm
  }

  /// A convolution of the network and the batch norm behind it, without weights.
  package struct Slot: Sendable {
    package var place: Place
    /// nil if there is no batch norm.
    package var norm: Place?
    /// The convolution's name, which is PyTorch's, and the batch norm's.
    package var name: String
    package var normName = ""
    package var inputChannels, outputChannels: Int
    /// Of both directions.
    package var kernelSize: Int
    package var stride = 1
    package var dilation = 1
    package var groups = 1
    /// The average pool before the convolution.
    package var pool: Network.Pool?
    /// The stride of the anti-aliasing behind the activation.
    package var smoothing: Int?

    /// Output, input of a group, height, width.
    package var shape: [Int] { [outputChannels, inputChannels / groups, kernelSize, kernelSize] }

    /// The convolution with its weights.
    func convolution(_ parameters: Parameters) -> Network.Convolution {
      Network.Convolution(
        inputChannels: inputChannels, outputChannels: outputChannels,
        kernel: .init(kernelSize), stride: .init(stride), dilation: .init(dilation),
        padding: .init(kernelSize / 2 * dilation), groups: groups, weights: parameters.weights,
        bias: parameters.bias)
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
    var block, stage: Int
    var branch: [Slot]
    /// The two convolutions of the gate, or none.
    var gate: [Slot] = []
    /// nil for the identity.
    var shortcut: Slot?
  }

  var stemSlots: [Slot] {
    let count = stemChannels.count
    return stemChannels.indices.map { index in
      // Pre-activation networks have the last norm in the first block.
      let isNormed = order != .preactivation || index < count - 1
      return Slot(
        .stem(index), norm: isNormed ? .stemNorm(index) : nil, in: self,
        inputs: index == 0 ? 3 : stemChannels[index - 1], outputs: stemChannels[index],
        kernel: count == 1 && stem != .small ? 7 : 3,
        stride: index == 0 && stem != .small ? 2 : 1)
    }
  }

  /// The convolution instead of the stem's max pool, if there is one.
  var stemPoolSlot: Slot? {
    guard stem == .strided else { return nil }
    let channels = stemChannels[stemChannels.count - 1]
    return Slot(
      .stemPool, norm: .stemPoolNorm, in: self, inputs: channels, outputs: channels, kernel: 3,
      stride: 2)
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

  /// The convolutions of stem, branches and shortcuts in the order of the network.
  package var slots: [Slot] {
    stemSlots + blockSlots.flatMap { $0.branch + ($0.shortcut.map { [$0] } ?? []) }
  }

  private func block(_ index: Int, stage: Int, input: Int) -> BlockSlots {
    let step = stages[stage]
    let stride = index == 0 ? step.stride : 1
    let firstDilation = index == 0 ? step.firstDilation : step.dilation
    let inner =
      innerChannels?[stage][index]
      ?? [Int](repeating: branchChannels[stage], count: block.convolutionCount - 1)
    let output = channels[stage] * expansion
    let kernels = block == .basic ? [3, 3] : [1, 3, 1]
    let widths = [input] + inner + [output]
    let wide = block == .basic && order != .faces ? 0 : 1
    let strided = block == .bottleneck && bottleneckStride == .first ? 0 : wide
    var slots = BlockSlots(
      name: name(ofBlock: index, stage: stage), block: index, stage: stage, branch: [])
    for (place, kernel) in kernels.enumerated() {
      var slot = Slot(
        .branch(place, block: index, stage: stage), norm: norm(place, block: index, stage: stage),
        in: self, inputs: widths[place], outputs: widths[place + 1], kernel: kernel,
        stride: place == strided ? stride : 1)
      if kernel == 3 {
        slot.dilation = place == wide ? firstDilation : step.dilation
        if block == .bottleneck { slot.groups = cardinality }
      }
      let steps = stride == 2 || firstDilation != step.dilation
      if place == wide, antiAliasing != nil, place == strided, steps {
        slot.smoothing = slot.stride
        slot.stride = 1
      }
      slots.branch.append(slot)
    }
    if let channels = gateChannels?[stage] {
      slots.gate = [(output, channels), (channels, output)].enumerated().map { place, widths in
        Slot(
          .gate(place, block: index, stage: stage), norm: nil, in: self, inputs: widths.0,
          outputs: widths.1, kernel: 1)
      }
    }
    let changes = stride != 1 || input != output
    if changes || order == .preactivation && firstDilation != step.dilation {
      var slot = Slot(
        .shortcut(block: index, stage: stage),
        norm: order == .preactivation || shortcut == .subsampled
          ? nil : .shortcutNorm(block: index, stage: stage),
        in: self, inputs: input, outputs: output, kernel: 1, stride: stride)
      if poolsShortcuts, stride != 1 || step.dilation != 1 {
        slot.pool = stride == 1 ? Network.dilatedShortcutPool : Network.shortcutPool
        slot.stride = 1
      }
      slots.shortcut = slot
    }
    return slots
  }

  /// The norm behind a convolution of a branch.
  private func norm(_ place: Int, block: Int, stage: Int) -> Place? {
    switch order {
    case .original: .branchNorm(place, block: block, stage: stage)
    case .preactivation: nil
    case .faces: .branchNorm(place + 1, block: block, stage: stage)
    }
  }
}

extension ResNetConfig.Slot {
  fileprivate init(
    _ place: ResNetConfig.Place, norm: ResNetConfig.Place?, in config: ResNetConfig, inputs: Int,
    outputs: Int, kernel: Int, stride: Int = 1
  ) {
    (self.place, self.norm) = (place, norm)
    name = config.name(of: place)
    normName = norm.map(config.name(of:)) ?? ""
    (inputChannels, outputChannels) = (inputs, outputs)
    (kernelSize, self.stride) = (kernel, stride)
  }
}

extension ResNetConfig {
  /// What PyTorch calls a block.
  func name(ofBlock block: Int, stage: Int) -> String {
    names == .layers ? "layer\(stage + 1).\(block)" : "stages.\(stage).blocks.\(block)"
  }

  /// What PyTorch calls a part, as a layer. The convolution of a shortcut has the name of all of it, and its norm that
  /// of its place in it.
  package func name(of place: Place) -> String {
    let isOne = stemChannels.count == 1
    let hasStages = names == .stages
    let norm = hasStages ? "norm" : "bn"
    switch place {
    case .stem(let index):
      if hasStages { return isOne ? "stem.conv" : "stem.conv\(index + 1)" }
      return isOne ? "conv1" : "conv1.\(3 * index)"
    case .stemNorm(let index):
      if hasStages { return isOne ? "stem.norm" : "stem.norm\(index + 1)" }
      // A deep conv1 is a sequence of convolution, norm and ReLU, but the last norm is bn1.
      return index == stemChannels.count - 1 ? "bn1" : "conv1.\(3 * index + 1)"
    case .stemSlopes: return "prelu"
    case .stemPool: return "maxpool.0"
    case .stemPoolNorm: return "maxpool.1"
    case .branch(let index, let block, let stage):
      return "\(name(ofBlock: block, stage: stage)).conv\(index + 1)"
    case .branchNorm(let index, let block, let stage):
      return "\(name(ofBlock: block, stage: stage)).\(norm)\(index + 1)"
    case .branchSlopes(let block, let stage):
      return "\(name(ofBlock: block, stage: stage)).prelu"
    case .gate(let index, let block, let stage):
      return "\(name(ofBlock: block, stage: stage)).se.fc\(index + 1)"
    case .shortcut(let block, let stage):
      return "\(name(ofBlock: block, stage: stage)).downsample"
    case .shortcutNorm(let block, let stage):
      return "\(name(ofBlock: block, stage: stage)).downsample.\(poolsShortcuts ? 2 : 1)"
    case .lastNorm: return hasStages ? "norm" : order == .faces ? "bn2" : "bn"
    case .linear: return hasStages ? "head.fc" : "fc"
    case .embeddingNorm: return "features"
    }
  }
}

extension Network {
  /// The max pool behind the stem.
  static let stemPool = Pool(kernel: .init(3), stride: .init(2), padding: .init(1))
  /// The average pool of a shortcut. At the edges of odd images it averages the pixels that are there.
  static let shortcutPool = Pool(kernel: .init(2), stride: .init(2), roundsUp: true)
  /// That of a stage with dilation. Zeros behind the edges count.
  static let dilatedShortcutPool = Pool(
    kernel: .init(2), stride: .init(1), padding: .init(top: 0, left: 0, bottom: 1, right: 1),
    countsPadding: true)
}

extension Network.Pool {
  /// Whether it is the average pool of a shortcut, if no window overhangs the image.
  var isShortcutPool: Bool {
    let usual = Network.shortcutPool
    return (kernel, stride, padding) == (usual.kernel, usual.stride, usual.padding)
  }
}
