// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// A network of `config` with random weights, for tests and for measuring time.
  ///
  /// It is what torchvision's constructor makes, from another generator: convolutions normal with
  /// variance `2 / (outputs * kernel²)` (He et al., 2015, "fan out"), batch norm with γ = 1, β = 0,
  /// mean 0 and variance 1, slopes of 0.25, the linear layer uniform within `±1 / sqrt(inputs)`.
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
    let zeroing = zeroInitResidual ? ", zero-init residual" : ""
    var parameters = RandomParameters(
      seed: seed, dead: zeroInitResidual ? config.block.convolutionCount - 1 : nil)
    var source = Source(format: "random weights, seed \(seed)\(zeroing)")
    source.input.size = config.usualExtent
    self.init(config, source: source, parameters: &parameters)
  }
}

private struct RandomParameters: ResNetParameters {
  private var generator: RandomGenerator
  /// The convolution of each branch whose norm has γ = 0.
  private let dead: Int?

  init(seed: UInt64, dead: Int?) {
    generator = RandomGenerator(seed: seed)
    self.dead = dead
  }

  mutating func convolution(_ slot: ResNetConfig.Slot) -> ResNetConfig.Parameters {
    let fanOut = slot.outputChannels * slot.kernelSize * slot.kernelSize
    let deviation = (2 / Double(fanOut)).squareRoot()
    var isDead = false
    if case .branch(let index, _, _) = slot.place { isDead = index == dead }
    var isGate = false
    if case .gate = slot.place { isGate = true }
    let weights = (0..<slot.shape.reduce(1, *)).map { _ in
      Float(generator.nextNormal() * deviation)
    }
    let zeros = [Float](repeating: 0, count: slot.outputChannels)
    var norm: Network.BatchNorm?
    if let place = slot.norm {
      norm = self.norm(place, channels: slot.outputChannels)
      if isDead { norm?.gamma = zeros }
    }
    return .init(weights: weights, bias: isGate ? zeros : nil, norm: norm)
  }

  mutating func norm(_ place: ResNetConfig.Place, channels: Int) -> Network.BatchNorm {
    let (zeros, ones) = (
      [Float](repeating: 0, count: channels), [Float](repeating: 1, count: channels)
    )
    return .init(gamma: ones, beta: zeros, mean: zeros, variance: ones)
  }

  mutating func slopes(_ place: ResNetConfig.Place, channels: Int) -> [Float] {
    [Float](repeating: 0.25, count: channels)
  }

  mutating func linear(inputs: Int, outputs: Int) -> (weights: [Float], bias: [Float]) {
    let bound = 1 / Double(inputs).squareRoot()
    let weights = values(outputs * inputs, bound: bound)
    return (weights, values(outputs, bound: bound))
  }

  private mutating func values(_ count: Int, bound: Double) -> [Float] {
    (0..<count).map { _ in Float(generator.nextUniform() * bound) }
  }
}
