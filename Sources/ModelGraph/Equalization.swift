// SPDX-License-Identifier: Apache-2.0

extension Graph {
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
    var count = equalizeChain(&stem)
    for index in blocks.indices { count += equalizeChain(&blocks[index].branch) }
    return count
  }
}

/// Equalizes each convolution with the next, again and again while that changes the one before.
private func equalizeChain(_ chain: inout [Convolution]) -> Int {
  var changed = Set<[Int]>()
  for _ in 0..<10 {
    var isStable = true
    for place in chain.indices.dropLast() {
      for channel in 0..<chain[place].outputChannels {
        let exponent = equalizingExponent(chain[place], chain[place + 1], channel)
        if exponent == 0 { continue }
        chain[place].scaleOutput(channel, by: power(-exponent))
        chain[place + 1].scaleInput(channel, by: power(exponent))
        changed.insert([place, channel])
        isStable = false
      }
    }
    if isStable { break }
  }
  return changed.count
}

/// The power of two that a channel between two convolutions is to be divided by.
private func equalizingExponent(_ first: Convolution, _ second: Convolution, _ channel: Int) -> Int
{
  let written = first.outputRange(channel)
  let read = Double(second.greatestInput(channel))
  guard written > 0, read > 0 else { return 0 }
  // Half of the ratio's logarithm, rounded; ratios of float32 numbers are far from float64's limits.
  let exponent = ((written / read).exponent + 1) >> 1
  guard first.outputKeepsBits(channel, by: power(-exponent)),
    second.inputKeepsBits(channel, by: power(exponent))
  else { return 0 }
  return Int(exponent)
}

private func power(_ exponent: Int) -> Double {
  Double(sign: .plus, exponent: exponent, significand: 1)
}

extension Convolution {
  private var taps: Int { kernelSize * kernelSize }

  private func output(_ channel: Int) -> Range<Int> {
    channel * inputChannels * taps..<(channel + 1) * inputChannels * taps
  }

  /// The weights of an input channel for one output channel.
  private func input(_ channel: Int, of output: Int) -> Range<Int> {
    let start = (output * inputChannels + channel) * taps
    return start..<start + taps
  }

  /// The greatest magnitude of an output channel's weights, times what the bias exceeds their sum by.
  fileprivate func outputRange(_ channel: Int) -> Double {
    var greatest = 0.0
    var sum = 0.0
    for weight in weights[output(channel)] {
      greatest = max(greatest, Double(weight.magnitude))
      sum += Double(weight.magnitude)
    }
    return greatest > 0 ? greatest * max(1, Double(bias[channel].magnitude) / sum) : 0
  }

  fileprivate func greatestInput(_ channel: Int) -> Float {
    (0..<outputChannels).reduce(0) { greatest, output in
      weights[input(channel, of: output)].reduce(greatest) { max($0, $1.magnitude) }
    }
  }

  fileprivate func outputKeepsBits(_ channel: Int, by factor: Double) -> Bool {
    keepsBits(bias[channel], by: factor)
      && weights[output(channel)].allSatisfy { keepsBits($0, by: factor) }
  }

  fileprivate func inputKeepsBits(_ channel: Int, by factor: Double) -> Bool {
    (0..<outputChannels).allSatisfy { output in
      weights[input(channel, of: output)].allSatisfy { keepsBits($0, by: factor) }
    }
  }

  fileprivate mutating func scaleOutput(_ channel: Int, by factor: Double) {
    bias[channel] = Float(Double(bias[channel]) * factor)
    for index in output(channel) { weights[index] = Float(Double(weights[index]) * factor) }
  }

  fileprivate mutating func scaleInput(_ channel: Int, by factor: Double) {
    for output in 0..<outputChannels {
      for index in input(channel, of: output) {
        weights[index] = Float(Double(weights[index]) * factor)
      }
    }
  }
}

/// Whether a product fits float32 without rounding.
private func keepsBits(_ value: Float, by factor: Double) -> Bool {
  let product = Double(value) * factor
  return Double(Float(product)) == product
}
