// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph

extension Network {
  /// The network of a checkpoint whose tensors are named as its schema says.
  ///
  /// Block kind and counts come from the names, widths and output dimension from the shapes. The checkpoint must
  /// have exactly the tensors of that configuration, each with its shape, and no negative variance. A convolution
  /// may have a bias; if it has, it may lack its batch norm, which was then folded into it. Batch norm's
  /// `num_batches_tracked` may be absent.
  ///
  /// - Throws: `GraphError`, for the first tensor in the order of the network that is missing or
  ///   wrong, or the first in the alphabet that is unexpected.
  package init(_ checkpoint: Checkpoint, bottleneckStride: ResNetConfig.BottleneckStride? = nil)
    throws(GraphError)
  {
    let reader = ConfigReader(checkpoint)
    let config = try reader.config(bottleneckStride: bottleneckStride ?? .second)
    var tensors = SlotTensors(checkpoint: checkpoint, schema: checkpoint.schema, config: config)
    var source = Source(format: "tensors")
    source.wrapper = checkpoint.wrapper
    source.strippedPrefix = checkpoint.strippedPrefix
    source.passedOver = checkpoint.passedOver
    source.notes = checkpoint.notes
    if reader.isGrey {
      source.input.isGrey = true
      source.notes.append("the network takes one channel: photos become grey")
    }
    self = try Network(
      config, source: source,
      parameters: { slot throws(GraphError) in try tensors.take(slot) },
      head: { () throws(GraphError) in try tensors.takeHead() })
    try tensors.checkRest()
  }
}

/// The tensors of a checkpoint, to be taken slot by slot.
private struct SlotTensors {
  let checkpoint: Checkpoint
  let schema: CheckpointSchema
  let config: ResNetConfig
  var known: Set<String> = []

  private mutating func take(_ name: String, _ shape: [Int]) throws(GraphError) -> [Float] {
    guard let tensor = checkpoint.tensors[name] else {
      throw .missingTensor(name: name, expected: shape)
    }
    guard tensor.shape == shape else {
      throw .wrongShape(name: name, expected: shape, found: tensor.shape)
    }
    known.insert(name)
    return tensor.values
  }

  mutating func take(_ slot: ResNetConfig.Slot) throws(GraphError) -> ResNetConfig.Parameters {
    let prefixes = schema.prefixes(
      of: slot.place, stemCount: config.stemChannels.count, isPooled: config.poolsShortcuts)
    let name = prefixes.convolution + ".weight"
    // A counter of training steps. Some converters turn it into floating point as well.
    known.insert(prefixes.norm + ".num_batches_tracked")
    let weights: [Float]
    if slot.place == .stem(0) {
      weights = try takeStem(name, slot)
    } else if let groups = groups(name, slot) {
      throw .groupedConvolution(name: name, groups: groups)
    } else {
      weights = try take(name, slot.shape)
    }
    let channels = [slot.outputChannels]
    let names = ["weight", "bias", "running_mean", "running_var"].map { "\(prefixes.norm).\($0)" }
    var bias: [Float]?
    if checkpoint.tensors[prefixes.convolution + ".bias"] != nil {
      bias = try take(prefixes.convolution + ".bias", channels)
      if names.allSatisfy({ checkpoint.tensors[$0] == nil }) {
        return .init(weights: weights, bias: bias, norm: nil)
      }
    }
    var norm: [[Float]] = []
    for name in names {
      if case .stem = slot.place {
      } else if checkpoint.tensors[name]?.shape == [slot.inputChannels],
        channels != [slot.inputChannels]
      {
        throw .preactivation(name: name)
      }
      norm.append(try take(name, channels))
    }
    if let index = norm[3].firstIndex(where: { $0 < 0 }) {
      throw .negativeVariance(name: names[3], index: index, found: norm[3][index])
    }
    return .init(
      weights: weights, bias: bias,
      norm: .init(gamma: norm[0], beta: norm[1], mean: norm[2], variance: norm[3]))
  }

  /// The weights of the convolution that reads the image. One of grey images reads the mean of three channels.
  private mutating func takeStem(_ name: String, _ slot: ResNetConfig.Slot) throws(GraphError)
    -> [Float]
  {
    guard checkpoint.tensors[name]?.shape.dropFirst().first == 1 else {
      return try take(name, slot.shape)
    }
    let shape = [slot.outputChannels, 1, slot.kernelSize, slot.kernelSize]
    return Network.Convolution.spread(try take(name, shape), outputs: slot.outputChannels)
  }

  mutating func takeHead() throws(GraphError) -> (weights: [Float], bias: [Float]) {
    let outputs = config.outputDimension
    let weights = try take(schema.head + ".weight", [outputs, config.featureCount])
    guard checkpoint.tensors[schema.head + ".bias"] != nil else {
      return (weights, [Float](repeating: 0, count: outputs))
    }
    return (weights, try take(schema.head + ".bias", [outputs]))
  }

  /// Checks that no other tensors are there.
  func checkRest() throws(GraphError) {
    for name in checkpoint.tensors.keys.sorted() where !known.contains(name) {
      throw .unexpectedTensor(
        name: name, found: checkpoint.tensors[name]?.shape ?? [], configuration: config.name)
    }
    for name in checkpoint.skipped where !known.contains(name) {
      throw .unexpectedIntegerTensor(name: name, configuration: config.name)
    }
  }

  /// The number of groups, if the weights have their shape but for fewer input channels.
  private func groups(_ name: String, _ slot: ResNetConfig.Slot) -> Int? {
    guard let found = checkpoint.tensors[name]?.shape, found.count == 4, found[1] > 0,
      found[1] < slot.inputChannels, slot.inputChannels.isMultiple(of: found[1]),
      [found[0], found[2], found[3]] == [slot.shape[0], slot.shape[2], slot.shape[3]]
    else { return nil }
    return slot.inputChannels / found[1]
  }
}
