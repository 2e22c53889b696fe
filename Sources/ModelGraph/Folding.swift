// SPDX-License-Identifier: Apache-2.0

public import ModelImport

/// PyTorch's constant that keeps batch norm from dividing by zero.
private let epsilon = 1e-5

extension Graph {
  /// Builds the graph of `config` from a checkpoint, with each batch norm folded into the
  /// convolution before it.
  ///
  /// For output channel `o`, with `s = γ[o] / sqrt(variance[o] + 1e-5)`, the weights become
  /// `w * s` and the bias `β[o] - mean[o] * s`. That is computed in float64 and rounded once.
  /// No branch is dropped yet.
  ///
  /// - Throws: `GraphError`, as `ResNetConfig.check(_:)`, and `.nonFiniteFold`.
  /// - **Allocates:** 4 bytes for each weight and bias.
  public init(folding checkpoint: Checkpoint, config: ResNetConfig) throws(GraphError) {
    try config.check(checkpoint)
    let layout = Layout(config)
    self.config = config
    stem = try fold(layout.stem, checkpoint)
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
      weights: values(checkpoint, "fc.weight"), bias: values(checkpoint, "fc.bias"))
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
  let source = values(checkpoint, layer.weightName)
  let gamma = values(checkpoint, layer.gammaName)
  let beta = values(checkpoint, layer.betaName)
  let mean = values(checkpoint, layer.meanName)
  let variance = values(checkpoint, layer.varianceName)

  let scales = zip(gamma, variance).map { Double($0) / (Double($1) + epsilon).squareRoot() }
  let bias = scales.indices.map { Float(Double(beta[$0]) - Double(mean[$0]) * scales[$0]) }
  let perChannel = layer.inputChannels * layer.kernelSize * layer.kernelSize
  let weights = [Float](unsafeUninitializedCapacity: source.count) { result, initialized in
    source.withUnsafeBufferPointer { source in
      for (channel, scale) in scales.enumerated() {
        for index in channel * perChannel..<(channel + 1) * perChannel {
          result.initializeElement(at: index, to: Float(Double(source[index]) * scale))
        }
      }
    }
    initialized = source.count
  }
  try checkFinite(weights, layer.name, "weight")
  try checkFinite(bias, layer.name, "bias")
  return Convolution(
    name: layer.name, inputChannels: layer.inputChannels, outputChannels: layer.outputChannels,
    kernelSize: layer.kernelSize, stride: layer.stride, padding: layer.kernelSize / 2,
    weights: weights, bias: bias, isRectified: layer.isRectified)
}

private func checkFinite(_ values: [Float], _ layer: String, _ part: String) throws(GraphError) {
  if let index = values.firstIndex(where: { !$0.isFinite }) {
    throw .nonFiniteFold(layer: layer, part: part, index: index, found: values[index])
  }
}
