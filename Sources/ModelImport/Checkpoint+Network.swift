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
  /// - Parameters:
  ///   - bottleneckStride: where the stride of bottlenecks is; nil for the usual place.
  ///   - outputStride: by what the network divides an image's size, if not by all its strides.
  ///   - antiAliasing: what halves images instead of strides.
  /// - Throws: `GraphError`, for the first tensor in the order of the network that is missing or
  ///   wrong, or the first in the alphabet that is unexpected.
  package init(
    _ checkpoint: Checkpoint, bottleneckStride: ResNetConfig.BottleneckStride? = nil,
    outputStride: Int? = nil, antiAliasing: ResNetConfig.AntiAliasing? = nil
  ) throws(GraphError) {
    var reader = ConfigReader(checkpoint)
    let config = try reader.config(
      bottleneckStride: bottleneckStride, outputStride: outputStride, antiAliasing: antiAliasing)
    var source = Source(format: "tensors")
    source.wrapper = checkpoint.wrapper
    source.strippedPrefix = checkpoint.strippedPrefix
    source.passedOver = checkpoint.passedOver
    source.notes = checkpoint.notes + reader.notes
    if reader.isGrey {
      source.input.isGrey = true
      source.notes.append("the network takes one channel: photos become grey")
    }
    var tensors = CheckpointTensors(checkpoint: checkpoint, config: config)
    self = try Network(config, source: source, parameters: &tensors)
    try tensors.checkRest()
  }
}

/// The tensors of a checkpoint, to be taken part by part.
private struct CheckpointTensors: ResNetParameters {
  let checkpoint: Checkpoint
  let config: ResNetConfig
  var known: Set<String> = []

  private func name(of place: ResNetConfig.Place) -> String {
    checkpoint.schema.name(
      of: place, stemCount: config.stemChannels.count, isPooled: config.poolsShortcuts)
  }

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

  mutating func convolution(_ slot: ResNetConfig.Slot) throws(GraphError)
    -> ResNetConfig.Parameters
  {
    let name = name(of: slot.place)
    let weights =
      slot.place == .stem(0)
      ? try takeStem(name + ".weight", slot) : try take(name + ".weight", slot.shape)
    var bias: [Float]?
    if checkpoint.tensors[name + ".bias"] != nil {
      bias = try take(name + ".bias", [slot.outputChannels])
    }
    guard let place = slot.norm else { return .init(weights: weights, bias: bias, norm: nil) }
    let norm = self.name(of: place)
    // A counter of training steps. Some converters turn it into floating point as well.
    known.insert(norm + ".num_batches_tracked")
    if bias != nil, Self.norms.allSatisfy({ checkpoint.tensors["\(norm).\($0)"] == nil }) {
      return .init(weights: weights, bias: bias, norm: nil)
    }
    return .init(
      weights: weights, bias: bias, norm: try self.norm(place, channels: slot.outputChannels))
  }

  /// A batch norm's tensors.
  private static let norms = ["weight", "bias", "running_mean", "running_var"]

  mutating func norm(_ place: ResNetConfig.Place, channels: Int) throws(GraphError)
    -> Network.BatchNorm
  {
    let name = name(of: place)
    known.insert(name + ".num_batches_tracked")
    var norm: [[Float]] = []
    for part in Self.norms { norm.append(try take("\(name).\(part)", [channels])) }
    if let index = norm[3].firstIndex(where: { $0 < 0 }) {
      throw .negativeVariance(
        name: "\(name).\(Self.norms[3])", index: index, found: norm[3][index])
    }
    return .init(gamma: norm[0], beta: norm[1], mean: norm[2], variance: norm[3])
  }

  mutating func slopes(_ place: ResNetConfig.Place, channels: Int) throws(GraphError) -> [Float] {
    try take(name(of: place) + ".weight", [channels])
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

  mutating func linear(inputs: Int, outputs: Int) throws(GraphError) -> (
    weights: [Float], bias: [Float]
  ) {
    let name = name(of: .linear)
    // A 1×1 convolution is the same.
    let isConvolution = checkpoint.tensors[name + ".weight"]?.shape.count == 4
    let weights = try take(
      name + ".weight", [outputs, inputs] + (isConvolution ? [1, 1] : []))
    guard checkpoint.tensors[name + ".bias"] != nil else {
      return (weights, [Float](repeating: 0, count: outputs))
    }
    return (weights, try take(name + ".bias", [outputs]))
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
}
