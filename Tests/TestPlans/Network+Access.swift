// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph

extension Network {
  /// A convolution by its place among the layers.
  package subscript(convolution place: Int) -> Convolution {
    get {
      guard case .convolution(let convolution) = layers[place].kind else {
        preconditionFailure("\(layers[place].name) is no convolution")
      }
      return convolution
    }
    set { layers[place].kind = .convolution(newValue) }
  }

  /// A convolution by its name.
  package subscript(convolution name: String) -> Convolution {
    get { self[convolution: place(of: name)] }
    set { self[convolution: place(of: name)] = newValue }
  }

  private func place(of name: String) -> Int {
    guard let place = layers.firstIndex(where: { $0.name == name }) else {
      preconditionFailure("no layer \(name)")
    }
    return place
  }

  /// Makes channels very unlike without changing what the network computes: each channel between two
  /// convolutions is multiplied by a power of two from 2⁻⁸ to 2⁸ and divided by it again.
  package mutating func makeChannelsUnequal(seed: UInt64) {
    var generator = RandomGenerator(seed: seed)
    for chain in chains {
      for (place, next) in zip(chain, chain.dropFirst()) {
        var (first, second) = (self[convolution: place], self[convolution: next])
        unequalize(&first, &second, &generator)
        (self[convolution: place], self[convolution: next]) = (first, second)
      }
    }
  }
}

private func unequalize(
  _ first: inout Network.Convolution, _ second: inout Network.Convolution,
  _ generator: inout RandomGenerator
) {
  let each = first.weights.count / first.outputChannels
  let taps = second.kernel.height * second.kernel.width
  for channel in 0..<first.outputChannels {
    let exponent = Int.random(in: -8...8, using: &generator)
    let factor = Float(sign: .plus, exponent: exponent, significand: 1)
    first.bias?[channel] *= factor
    for index in 0..<each { first.weights[channel * each + index] *= factor }
    for index in second.weights.indices where index / taps % second.inputChannels == channel {
      second.weights[index] /= factor
    }
  }
}

extension Program {
  /// The convolutions in the order of the operations.
  package var convolutions: [Convolution] {
    operations.compactMap { operation in
      switch operation.kind {
      case .stem(let convolution), .convolution(let convolution): convolution
      default: nil
      }
    }
  }

  /// The classifier.
  package var linear: Convolution? {
    if case .linear(let linear) = operations.last?.kind { return linear }
    return nil
  }
}
