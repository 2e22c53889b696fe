// SPDX-License-Identifier: Apache-2.0

public import ResNetModelImport

extension Graph {
  /// Builds the graph of `config` from a checkpoint, with each batch norm folded into the
  /// convolution before it.
  ///
  /// For output channel `o`, with `s = γ[o] / sqrt(variance[o] + ε)`, the weights become `w * s` and
  /// the bias `β[o] + (b[o] - mean[o]) * s`, where `b` is the convolution's own bias, if it has one.
  /// That is computed in float64 and rounded once. A convolution without batch norm is taken as it
  /// is. An average pool of 2×2 and the 1×1 convolution behind it become one 2×2 convolution with
  /// a quarter of each weight. No branch is dropped yet.
  ///
  /// - Throws: `GraphError`, as `ResNetConfig.check(_:)`, and `.nonFiniteFold`.
  /// - **Allocates:** 4 bytes for each weight and bias.
  public init(folding checkpoint: Checkpoint, config: ResNetConfig) throws(GraphError) {
    try config.check(checkpoint)
    let layout = Layout(config, naming: TensorNaming(of: checkpoint))
    self.config = config
    stem = []
    for convolution in layout.stem { stem.append(try fold(convolution, checkpoint)) }
    blocks = []
    for block in layout.blocks {
      var branch: [Convolution] = []
      for convolution in block.branch { branch.append(try fold(convolution, checkpoint)) }
      var shortcut = ResidualBlock.Shortcut.identity
      if let downsample = block.downsample {
        shortcut = .convolution(try fold(downsample, checkpoint))
      }
      blocks.append(ResidualBlock(name: block.name, branch: branch, shortcut: shortcut))
    }
    head = Linear(
      name: "fc", inputCount: config.featureCount, outputCount: config.outputDimension,
      weights: values(checkpoint, layout.head + ".weight"),
      bias: values(checkpoint, layout.head + ".bias"))
  }
}

/// The values of a tensor that `ResNetConfig.check(_:)` found.
private func values(_ checkpoint: Checkpoint, _ name: String) -> [Float] {
  guard let tensor = checkpoint.tensors[name] else {
    preconditionFailure("\(name) was checked to be there")
  }
  return tensor.values
}

private func fold(_ layer: Layout.Convolution, _ checkpoint: Checkpoint)
  throws(GraphError) -> Convolution
{
  var weights = values(checkpoint, layer.weightName)
  var bias: [Float]
  if layer.isFolded(in: checkpoint) {
    bias = values(checkpoint, layer.biasName)
  } else {
    let gamma = values(checkpoint, layer.gammaName)
    let beta = values(checkpoint, layer.betaName)
    let mean = values(checkpoint, layer.meanName)
    let variance = values(checkpoint, layer.varianceName)
    let own = checkpoint.tensors[layer.biasName]?.values
    let scales = zip(gamma, variance).map {
      Double($0) / (Double($1) + checkpoint.normEpsilon).squareRoot()
    }
    bias = scales.indices.map { channel in
      let centre = Double(own?[channel] ?? 0) - Double(mean[channel])
      return Float(Double(beta[channel]) + centre * scales[channel])
    }
    weights = scaled(weights, by: scales)
  }
  if layer.isPooled {
    weights = weights.flatMap { [Float](repeating: $0 / 4, count: 4) }
  }
  try checkFinite(weights, layer.name, "weight")
  try checkFinite(bias, layer.name, "bias")
  let kernelSize = layer.isPooled ? 2 : layer.kernelSize
  return Convolution(
    name: layer.name, inputChannels: layer.inputChannels, outputChannels: layer.outputChannels,
    kernelSize: kernelSize, stride: layer.stride, padding: (kernelSize - 1) / 2, weights: weights,
    bias: bias, isRectified: layer.isRectified)
}

/// Multiplies each output channel's weights by its scale.
private func scaled(_ source: [Float], by scales: [Double]) -> [Float] {
  let perChannel = source.count / scales.count
  return [Float](unsafeUninitializedCapacity: source.count) { result, initialized in
    source.withUnsafeBufferPointer { source in
      for (channel, scale) in scales.enumerated() {
        for index in channel * perChannel..<(channel + 1) * perChannel {
          result.initializeElement(at: index, to: Float(Double(source[index]) * scale))
        }
      }
    }
    initialized = source.count
  }
}

private func checkFinite(_ values: [Float], _ layer: String, _ part: String) throws(GraphError) {
  if let index = values.firstIndex(where: { !$0.isFinite }) {
    throw .nonFiniteFold(layer: layer, part: part, index: index, found: values[index])
  }
}
