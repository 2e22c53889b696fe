// SPDX-License-Identifier: Apache-2.0

public import ResNetModelImport

extension Checkpoint {
  /// A checkpoint of `config` with random weights, for tests and for measuring time.
  ///
  /// It is what torchvision's constructor makes, from another generator: convolutions normal with
  /// variance `2 / (outputs * kernel²)` (He et al., 2015, "fan out"), batch norm with γ = 1, β = 0,
  /// mean 0 and variance 1, the linear layer uniform within `±1 / sqrt(inputs)`.
  /// Equal arguments give equal bits on every machine.
  ///
  /// Activations grow with depth, because each block adds its branch to its input, but stay
  /// finite at the depth of ResNet152.
  ///
  /// - Parameters:
  ///   - config: the network.
  ///   - seed: where the generator begins.
  ///   - zeroInitResidual: whether the last batch norm of each branch has γ = 0, so that every
  ///     branch is dead.
  /// - **Allocates:** 4 bytes for each weight.
  public static func random(config: ResNetConfig, seed: UInt64, zeroInitResidual: Bool = false)
    -> Checkpoint
  {
    var generator = RandomGenerator(seed: seed)
    var tensors: [String: Tensor] = [:]
    let layout = Layout(config)
    let lastOfBranches = Set(layout.blocks.compactMap { $0.branch.last?.name })
    for layer in layout.convolutions {
      let fanOut = layer.outputChannels * layer.kernelSize * layer.kernelSize
      let deviation = (2 / Double(fanOut)).squareRoot()
      tensors[layer.weightName] = Tensor(filling: layer.shape) {
        Float(generator.nextNormal() * deviation)
      }
      let channels = layer.outputChannels
      let isDead = zeroInitResidual && lastOfBranches.contains(layer.name)
      tensors[layer.gammaName] = Tensor(filling: [channels]) { isDead ? 0 : 1 }
      tensors[layer.betaName] = Tensor(filling: [channels]) { 0 }
      tensors[layer.meanName] = Tensor(filling: [channels]) { 0 }
      tensors[layer.varianceName] = Tensor(filling: [channels]) { 1 }
    }
    let bound = 1 / Double(config.featureCount).squareRoot()
    let shape = [config.outputDimension, config.featureCount]
    tensors["fc.weight"] = Tensor(filling: shape) { Float(generator.nextUniform() * bound) }
    tensors["fc.bias"] = Tensor(filling: [config.outputDimension]) {
      Float(generator.nextUniform() * bound)
    }
    return Checkpoint(tensors: tensors, format: .random(seed: seed))
  }
}

extension Tensor {
  fileprivate init(filling shape: [Int], _ value: () -> Float) {
    let count = shape.reduce(1, *)
    let values = [Float](unsafeUninitializedCapacity: count) { result, initialized in
      for index in 0..<count { result.initializeElement(at: index, to: value()) }
      initialized = count
    }
    self.init(shape: shape, values: values)
  }
}
