// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// Makes the channels between consecutive convolutions alike, where nothing but a ReLU is between.
  ///
  /// The ReLU lets positive factors through, so output channel `c` of the first convolution may be divided
  /// by any `s` and input channel `c` of the second multiplied by it. With `s = sqrt(r1 / r2)`, where `r1` and
  /// `r2` are the greatest magnitudes of the weights that are divided and multiplied, both become equal: then
  /// one scale for all channels of the tensor between may serve each of them better. Source: Nagel et al.,
  /// "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019. Here, `r1` counts as
  /// many times as the bias exceeds the sum of the weights' magnitudes: a channel that is nearly constant would
  /// otherwise grow beyond all others.
  ///
  /// `s` is rounded to a power of two, so that the network's results in float32 keep every bit. Left as they
  /// are: channels that have no weights or that are not read, and those of which a value would be lost to the
  /// limits of float32.
  ///
  /// - Returns: how many channels have changed.
  @discardableResult
  public mutating func equalize() -> Int {
    var count = 0
    for places in chains {
      var chain: [Convolution] = []
      for place in places {
        chain.append(layers[place].kind.convolution!)
        // So that the chain has the only copy of the weights.
        layers[place].kind = .add
      }
      count += equalizeChain(&chain)
      for (place, convolution) in zip(places, chain) {
        layers[place].kind = .convolution(convolution)
      }
    }
    return count
  }

  /// The convolutions that follow one another with nothing but a ReLU between, by their places.
  package var chains: [[Int]] {
    let uses = Uses(self)
    var chains: [[Int]] = []
    var isMet: Set<Int> = []
    for start in layers.indices
    where layers[start].kind.convolution?.groups == 1 && isMet.insert(start).inserted {
      var chain = [start]
      while let relu = uses.only(of: layers[chain[chain.count - 1]].output),
        layers[relu].kind == .relu, let next = uses.only(of: layers[relu].output),
        layers[next].kind.convolution?.groups == 1
      {
        isMet.insert(next)
        chain.append(next)
      }
      chains.append(chain)
    }
    return chains
  }
}

/// Equalizes each convolution with the next, again and again while that changes the one before.
private func equalizeChain(_ chain: inout [Network.Convolution]) -> Int {
  var changed = Set<[Int]>()
  for _ in 0..<10 {
    var isStable = true
    for place in chain.indices.dropLast() {
      for channel in 0..<chain[place].outputChannels {
        let exponent = equalizingExponent(chain[place], chain[place + 1], channel)
        if exponent == 0 { continue }
        let (down, up) = (power(-exponent), power(exponent))
        chain[place].scale(chain[place].output(channel), by: down)
        if let own = chain[place].bias?[channel] {
          chain[place].bias?[channel] = Float(Double(own) * down)
        }
        chain[place + 1].scale(chain[place + 1].input(channel), by: up)
        changed.insert([place, channel])
        isStable = false
      }
    }
    if isStable { break }
  }
  return changed.count
}

/// The power of two that a channel between two convolutions is to be divided by.
private func equalizingExponent(
  _ first: Network.Convolution, _ second: Network.Convolution, _ channel: Int
) -> Int {
  let written = first.outputRange(channel)
  let read = second.greatest(second.input(channel))
  guard written > 0, read > 0 else { return 0 }
  // Half of the ratio's logarithm, rounded; ratios of float32 numbers are far from float64's limits.
  let exponent = ((written / read).exponent + 1) >> 1
  guard isExact(first.bias?[channel] ?? 0, by: power(-exponent)),
    first.keepsBits(first.output(channel), by: power(-exponent)),
    second.keepsBits(second.input(channel), by: power(exponent))
  else { return 0 }
  return Int(exponent)
}

private func power(_ exponent: Int) -> Double {
  Double(sign: .plus, exponent: exponent, significand: 1)
}

extension Network.Convolution {
  private var taps: Int { kernel.height * kernel.width }

  /// The weights of an output channel.
  fileprivate func output(_ channel: Int) -> [Range<Int>] {
    [channel * inputChannels * taps..<(channel + 1) * inputChannels * taps]
  }

  /// The weights of an input channel, for each output channel.
  fileprivate func input(_ channel: Int) -> [Range<Int>] {
    (0..<outputChannels).map { output in
      let start = (output * inputChannels + channel) * taps
      return start..<start + taps
    }
  }

  /// The greatest magnitude of weights.
  fileprivate func greatest(_ ranges: [Range<Int>]) -> Double {
    Double(ranges.joined().reduce(0) { max($0, weights[$1].magnitude) })
  }

  /// The greatest magnitude of an output channel's weights, times what the bias exceeds their sum by.
  fileprivate func outputRange(_ channel: Int) -> Double {
    let greatest = greatest(output(channel))
    let sum = output(channel).joined().reduce(0) { $0 + Double(weights[$1].magnitude) }
    return greatest > 0 ? greatest * max(1, Double((bias?[channel] ?? 0).magnitude) / sum) : 0
  }

  fileprivate func keepsBits(_ ranges: [Range<Int>], by factor: Double) -> Bool {
    ranges.joined().allSatisfy { isExact(weights[$0], by: factor) }
  }

  fileprivate mutating func scale(_ ranges: [Range<Int>], by factor: Double) {
    for index in ranges.joined() { weights[index] = Float(Double(weights[index]) * factor) }
  }
}

/// Whether a product fits float32 without rounding.
private func isExact(_ value: Float, by factor: Double) -> Bool {
  let product = Double(value) * factor
  return Double(Float(product)) == product
}
