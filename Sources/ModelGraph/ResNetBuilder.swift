// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// The network of a configuration.
  package init<Parameters: ResNetParameters>(
    _ config: ResNetConfig, source: Source, parameters: inout Parameters
  ) throws(Parameters.Failure) {
    var builder = ResNetBuilder(config, source, parameters)
    try builder.build()
    parameters = builder.parameters
    self = builder.network
    self.config = config
  }
}

/// Puts the layers of a ResNet together.
private struct ResNetBuilder<Parameters: ResNetParameters> {
  typealias Failure = Parameters.Failure
  typealias Slot = ResNetConfig.Slot

  private let config: ResNetConfig
  private(set) var network: Network
  private(set) var parameters: Parameters
  /// Where layers are put.
  private var block = "stem"

  init(_ config: ResNetConfig, _ source: Network.Source, _ parameters: Parameters) {
    (self.config, self.parameters) = (config, parameters)
    network = Network(source: source)
  }

  mutating func build() throws(Failure) {
    var x = try stem()
    for slots in config.blockSlots {
      block = slots.name
      switch config.order {
      case .original: x = try original(slots, x)
      case .preactivation: x = try preactivation(slots, x)
      case .faces: x = try face(slots, x)
      }
    }
    block = "head"
    if config.order == .faces { try embedding(x) } else { try logits(x) }
  }

  // Parts of the network.

  private mutating func stem() throws(Failure) -> String {
    var x = Network.image
    for slot in config.stemSlots {
      x = try convolved(x, slot)
      // Otherwise norm and activation are those of the first block.
      if slot.norm != nil {
        let place: ResNetConfig.Place? = config.order == .faces ? .stemSlopes : nil
        x = try activated(x, slot, slopes: place)
      } else {
        x = renamed(slot.name)
      }
    }
    switch (config.stem, config.antiAliasing) {
    case (.small, _): return x
    case (.strided, _):
      guard let slot = config.stemPoolSlot else { return x }
      return try activated(convolved(x, slot), slot)
    case (_, .blur):
      var pool = Network.stemPool
      pool.stride = Network.Extent(1)
      x = append("maxpool.0", .maxPool(pool), [x], "maxpool.0")
      return append("maxpool.1", .blurPool(stride: Network.Extent(2)), [x], "stem")
    case (_, .average):
      return append("maxpool", .averagePool(.smoothing), [x], "stem")
    case (let stem, nil):
      var pool = Network.stemPool
      if stem == .pooledUp { (pool.padding, pool.roundsUp) = (Network.Padding(0), true) }
      return append("maxpool", .maxPool(pool), [x], "stem")
    }
  }

  /// Convolution, norm and ReLU, a gate, and a ReLU behind the sum.
  private mutating func original(_ slots: ResNetConfig.BlockSlots, _ input: String)
    throws(Failure) -> String
  {
    var y = input
    for slot in slots.branch {
      y = try convolved(y, slot)
      if slot.place != slots.branch.last?.place {
        y = try activated(y, slot)
        y = smoothed(y, slot)
      } else if config.rectifiesGatedSums {
        y = try activated(y, slot)
      }
    }
    if !slots.gate.isEmpty { y = try gated(y, slots.gate) }
    let sum = append(
      "\(block).add", .add, [y, try shortcut(slots.shortcut, input)], "\(block) sum")
    return append("\(block).relu", .relu, [sum], block)
  }

  /// Norm, ReLU and convolution; a shortcut's convolution reads the first ReLU.
  private mutating func preactivation(_ slots: ResNetConfig.BlockSlots, _ input: String)
    throws(Failure) -> String
  {
    var (x, y) = (input, input)
    for (index, slot) in slots.branch.enumerated() {
      let place = ResNetConfig.Place.branchNorm(index, block: slots.block, stage: slots.stage)
      y = try rectified(normed(y, place, channels: slot.inputChannels), place)
      if index == 0, slots.shortcut != nil { x = y }
      y = try convolved(y, slot)
    }
    return append("\(block).add", .add, [y, try shortcut(slots.shortcut, x)], block)
  }

  /// A norm in front, a PReLU between the convolutions, and nothing behind the sum.
  private mutating func face(_ slots: ResNetConfig.BlockSlots, _ input: String) throws(Failure)
    -> String
  {
    var y = try normed(
      input, .branchNorm(0, block: slots.block, stage: slots.stage),
      channels: slots.branch[0].inputChannels)
    y = try convolved(y, slots.branch[0])
    y = try activated(
      y, slots.branch[0], slopes: .branchSlopes(block: slots.block, stage: slots.stage))
    y = try convolved(y, slots.branch[1])
    return append("\(block).add", .add, [y, try shortcut(slots.shortcut, input)], block)
  }

  private mutating func shortcut(_ slot: Slot?, _ input: String) throws(Failure) -> String {
    guard let slot else { return input }
    var x = input
    if let pool = slot.pool {
      x = append("\(slot.name).0", .averagePool(pool), [x], "\(slot.name).0")
    }
    if config.shortcut == .subsampled {
      let layer = slot.convolution(
        .init(weights: slot.subsamplingWeights, bias: nil, norm: nil))
      _ = append(slot.name, .convolution(layer), [x], slot.name)
    } else {
      _ = try convolved(x, slot)
    }
    return renamed(slot.name)
  }

  /// Multiplies each channel by what two 1×1 convolutions make of the mean of all channels.
  private mutating func gated(_ x: String, _ slots: [Slot]) throws(Failure) -> String {
    let name = "\(block).se"
    var y = append("\(name).mean", .globalAveragePool, [x], "\(name).mean")
    y = try convolved(y, slots[0])
    y = try activated(y, slots[0])
    y = try convolved(y, slots[1])
    y = append("\(name).sigmoid", .sigmoid, [y], "\(name).sigmoid")
    return append(name, .multiply, [x, y], name)
  }

  private mutating func logits(_ input: String) throws(Failure) {
    var x = input
    if config.normsLast {
      x = try rectified(normed(x, .lastNorm, channels: config.featureCount), .lastNorm)
    }
    x = append("avgpool", .globalAveragePool, [x], "features")
    network.outputs = [.init(name: x, value: x, role: .features)]
    guard config.outputDimension > 0 else { return }
    x = try linear(x, pixels: 1, "logits")
    network.outputs.append(.init(name: x, value: x, role: .logits))
  }

  private mutating func embedding(_ input: String) throws(Failure) {
    var x = try normed(input, .lastNorm, channels: config.featureCount)
    x = try linear(x, pixels: config.embeddedPixels, "fc")
    _ = try normed(x, .embeddingNorm, channels: config.outputDimension)
    x = renamed("embedding")
    network.outputs = [.init(name: x, value: x, role: .other)]
  }

  // Layers.

  private mutating func append(
    _ name: String, _ kind: Network.Kind, _ inputs: [String], _ output: String
  ) -> String {
    network.layers.append(
      .init(name: name, block: block, kind: kind, inputs: inputs, output: output))
    return output
  }

  /// Gives what the last layer makes another name.
  private mutating func renamed(_ output: String) -> String {
    network.layers[network.layers.count - 1].output = output
    return output
  }

  /// A convolution and its batch norm.
  private mutating func convolved(_ x: String, _ slot: Slot) throws(Failure) -> String {
    let own = try parameters.convolution(slot)
    let y = append(slot.name, .convolution(slot.convolution(own)), [x], "\(slot.name) sums")
    guard let norm = own.norm else { return y }
    return append(slot.normName, .batchNorm(norm), [y], "\(slot.name) normed")
  }

  /// A ReLU behind a convolution, or a PReLU.
  private mutating func activated(_ x: String, _ slot: Slot, slopes: ResNetConfig.Place? = nil)
    throws(Failure) -> String
  {
    guard let slopes else { return append("\(slot.name).relu", .relu, [x], slot.name) }
    let values = try parameters.slopes(slopes, channels: slot.outputChannels)
    return append(config.name(of: slopes), .prelu(slopes: values), [x], slot.name)
  }

  private mutating func smoothed(_ x: String, _ slot: Slot) -> String {
    guard let stride = slot.smoothing else { return x }
    let name = "\(block).aa"
    if config.antiAliasing == .blur {
      return append(name, .blurPool(stride: Network.Extent(stride)), [x], name)
    }
    return stride == 1 ? x : append(name, .averagePool(.smoothing), [x], name)
  }

  /// A batch norm that is not behind a convolution.
  private mutating func normed(_ x: String, _ place: ResNetConfig.Place, channels: Int)
    throws(Failure) -> String
  {
    let name = config.name(of: place)
    let norm = try parameters.norm(place, channels: channels)
    return append(name, .batchNorm(norm), [x], "\(name) normed")
  }

  /// The ReLU behind such a norm.
  private mutating func rectified(_ x: String, _ place: ResNetConfig.Place) -> String {
    let name = config.name(of: place)
    return append("\(name).relu", .relu, [x], name)
  }

  private mutating func linear(_ x: String, pixels: Int, _ output: String) throws(Failure)
    -> String
  {
    let (inputs, outputs) = (config.featureCount * pixels, config.outputDimension)
    let name = config.name(of: .linear)
    let (weights, bias) = try parameters.linear(inputs: inputs, outputs: outputs)
    let linear = Linear(
      name: name, inputCount: inputs, outputCount: outputs, weights: weights, bias: bias)
    return append(name, .linear(linear), [x], output)
  }
}

extension Network.Pool {
  /// The average pool behind a convolution against aliasing.
  fileprivate static let smoothing = Self(kernel: .init(2), stride: .init(2))
}

extension ResNetConfig.Slot {
  /// The weights by which a 1×1 convolution copies its channels, with as many channels of zeros before as behind.
  fileprivate var subsamplingWeights: [Float] {
    var weights = [Float](repeating: 0, count: outputChannels * inputChannels)
    let before = (outputChannels - inputChannels) / 2
    for channel in 0..<min(inputChannels, outputChannels - before) where channel + before >= 0 {
      weights[(channel + before) * inputChannels + channel] = 1
    }
    return weights
  }
}
