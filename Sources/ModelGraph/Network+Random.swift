// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// A network of `config` with random weights, for tests and for measuring time.
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
  public init(random config: ResNetConfig, seed: UInt64, zeroInitResidual: Bool = false) {
    var generator = RandomGenerator(seed: seed)
    let last = config.block.convolutionCount - 1
    let zeroing = zeroInitResidual ? ", zero-init residual" : ""
    self.init(
      config, source: Source(format: "random weights, seed \(seed)\(zeroing)"),
      parameters: { slot in
        let fanOut = slot.outputChannels * slot.kernelSize * slot.kernelSize
        let deviation = (2 / Double(fanOut)).squareRoot()
        var isDead = false
        if case .branch(last, _, _) = slot.place { isDead = zeroInitResidual }
        let (zeros, ones) = (
          [Float](repeating: 0, count: slot.outputChannels),
          [Float](repeating: 1, count: slot.outputChannels)
        )
        return .init(
          weights: (0..<slot.shape.reduce(1, *)).map { _ in
            Float(generator.nextNormal() * deviation)
          },
          bias: nil,
          norm: BatchNorm(gamma: isDead ? zeros : ones, beta: zeros, mean: zeros, variance: ones))
      },
      head: {
        let bound = 1 / Double(config.featureCount).squareRoot()
        func values(_ count: Int) -> [Float] {
          (0..<count).map { _ in Float(generator.nextUniform() * bound) }
        }
        let weights = values(config.outputDimension * config.featureCount)
        return (weights, values(config.outputDimension))
      })
  }
}
