// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph

extension Graph {
  /// The convolutions that follow one another with nothing but a ReLU between.
  package var chains: [[Convolution]] { [stem] + blocks.map(\.branch) }

  /// Makes channels very unlike without changing what the network computes: each channel between two
  /// convolutions is multiplied by a power of two from 2⁻⁸ to 2⁸ and divided by it again.
  package mutating func makeChannelsUnequal(seed: UInt64) {
    var generator = RandomGenerator(seed: seed)
    unequalize(&stem, &generator)
    for index in blocks.indices { unequalize(&blocks[index].branch, &generator) }
  }
}

private func unequalize(_ chain: inout [Convolution], _ generator: inout RandomGenerator) {
  for place in chain.indices.dropLast() {
    for channel in 0..<chain[place].outputChannels {
      let exponent = Int.random(in: -8...8, using: &generator)
      let factor = Float(sign: .plus, exponent: exponent, significand: 1)
      let each = chain[place].weights.count / chain[place].outputChannels
      chain[place].bias[channel] *= factor
      for index in 0..<each { chain[place].weights[channel * each + index] *= factor }
      let next = chain[place + 1]
      let taps = next.kernelSize * next.kernelSize
      for index in next.weights.indices where index / taps % next.inputChannels == channel {
        chain[place + 1].weights[index] /= factor
      }
    }
  }
}
