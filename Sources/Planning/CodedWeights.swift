// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
package import ResNetModelGraph
package import ResNetPlanFormat

/// The weights of a coded convolution as kernels read them, with output channels padded to whole blocks.
///
/// An output channel has one scale. Each of its taps has a step of its own, the scale times a power of two: no tap
/// is coarser than its weights ask for, and what the output's transform adds are shifted integers.
package struct CodedWeights: Sendable {
  package let form: Arithmetic.Algorithm
  /// Channels stored in the input, whole blocks of 16.
  let inputs: Int
  /// `[oc/16][tap][ic/4][16 oc][4]`, -127…127.
  package private(set) var weights: [Int8]
  /// `[oc/16][tap][16 oc]`
  package private(set) var shifts: [Int32]
  /// What a unit of the output's transform stands for, of each output channel; 0 in the padding.
  package private(set) var scales: [Double]

  /// The greatest shift that is tried first, and the bound of the sums without biases, which have as much again.
  private static let (greatestShift, sumLimit) = (6, UInt64(1) << 30)

  /// Transforms the float32 weights and rounds them once.
  ///
  /// - Parameters:
  ///   - convolution: 3×3 with stride 1.
  ///   - inputs: channels stored in the input.
  /// - Returns: nil if sums can leave their range even with one step for all taps of a channel.
  package init?(
    _ convolution: Convolution, inputs: Int, _ input: ActivationScale, _ coding: Coding
  ) {
    let (form, channels) = (coding.form, convolution.inputChannels)
    let outputs = PlanLayout.paddedChannels(convolution.outputChannels)
    (self.form, self.inputs) = (form, inputs)
    weights = [Int8](repeating: 0, count: outputs * form.products * inputs)
    shifts = [Int32](repeating: 0, count: outputs * form.products)
    scales = [Double](repeating: 0, count: outputs)
    let steps = coding.steps.map { $0 * Double(input.scale) }
    let transformed = (0..<convolution.outputChannels).map {
      TransformedChannel(convolution, output: $0, form, steps)
    }
    for shift in (0...Self.greatestShift).reversed() {
      for (output, channel) in transformed.enumerated() {
        let rounded = channel.rounded(greatestShift: shift)
        scales[output] = rounded.scale
        for tap in 0..<form.products {
          shifts[place(output, tap)] = Int32(rounded.shifts[tap])
          for index in 0..<channels {
            weights[weightPlace(output, tap, index)] = rounded.weights[tap * channels + index]
          }
        }
      }
      let starts = starts(coding, inputZero: input.zeroPoint, biases: [])
      if greatestSum(starts) <= Self.sumLimit { return }
    }
    return nil
  }

  private func place(_ output: Int, _ tap: Int) -> Int {
    (output / 16 * form.products + tap) * 16 + output % 16
  }

  private func weightPlace(_ output: Int, _ tap: Int, _ input: Int) -> Int {
    let group = (output / 16 * form.products + tap) * inputs / 4 + input / 4
    return (group * 16 + output % 16) * 4 + input % 4
  }

  /// The weight of an output channel, as the input's transform multiplies it, in steps of the input's V.
  package func value(_ output: Int, _ tap: Int, _ input: Int) -> Double {
    let shift = Double(sign: .plus, exponent: Int(shifts[place(output, tap)]), significand: 1)
    return Double(weights[weightPlace(output, tap, input)]) * shift * scales[output]
  }

  /// What sums of codes start at, so that they are sums of V: codes have zeros, and inputs a zero point. The zero
  /// tap's have the biases too.
  ///
  /// - Parameter biases: in the output's real units, for each output channel; empty for none.
  package func starts(_ coding: Coding, inputZero: Int, biases: [Double]) -> [Int32] {
    let zeroOfInput =
      Double(form.zeroTapGain * (inputZero - 128)) / coding.steps[form.zeroTap]
    var starts = [Int32](repeating: 0, count: shifts.count)
    for output in scales.indices where scales[output] > 0 {
      for tap in 0..<form.products {
        var sum = 0
        for input in 0..<inputs { sum += Int(weights[weightPlace(output, tap, input)]) }
        let isZeroTap = tap == form.zeroTap
        var start = -Double(sum) * (isZeroTap ? Double(coding.zero) + zeroOfInput : 128)
        if isZeroTap, !biases.isEmpty {
          let shift = Double(1 << shifts[place(output, tap)])
          start += biases[output] / (scales[output] * shift)
        }
        starts[place(output, tap)] = Int32(
          min(max(start, -0x1p31), 0x1p31 - 1).rounded(.toNearestOrEven))
      }
    }
    return starts
  }

  /// The starts for inputs that are 128 less: int8 instead of uint8.
  package func flipped(_ starts: [Int32]) -> [Int32] {
    var flipped = starts
    rn_coded_q8_flip_start(
      form.codedForm!, weights, UInt32(scales.count / 16), UInt32(inputs), &flipped)
    return flipped
  }

  /// The greatest magnitude of the output's transform over all inputs.
  package func greatestSum(_ starts: [Int32]) -> UInt64 {
    rn_coded_q8_greatest_sum(
      form.codedForm!, weights, starts, shifts, UInt32(scales.count / 16), UInt32(inputs))
  }
}

/// The weights of one output channel in the domain of a coded form, `[tap][input]`, before they are rounded.
private struct TransformedChannel {
  private let values: [Double]
  private let taps: Int
  /// How much of a tap's error is in the outputs: the squares of its factors in the output's transform.
  private let gains: [Double]
  /// The magnitude of the bias.
  private let bias: Double
  /// Eight steps from 1 to 2, by the same factor each.
  private static let octave = [
    1, 1.0905077, 1.1892071, 1.2968396, 1.4142136, 1.5422108, 1.6817928, 1.8340081,
  ]

  /// - Parameter steps: of V, real, for each tap.
  init(
    _ convolution: Convolution, output: Int, _ form: Arithmetic.Algorithm, _ steps: [Double]
  ) {
    let (channels, taps) = (convolution.inputChannels, form.products)
    bias = Double(convolution.bias[output].magnitude)
    gains = (0..<form.products).map {
      Double(rn_coded_output_gain(form.codedForm!, UInt32($0)))
    }
    var values = [Double](repeating: 0, count: taps * channels)
    var transformed = [Float](repeating: 0, count: taps)
    convolution.weights.withUnsafeBufferPointer { weights in
      for input in 0..<channels {
        let first = weights.baseAddress! + (output * channels + input) * 9
        rn_coded_weights(form.codedForm!, first, &transformed)
        for tap in 0..<taps {
          values[tap * channels + input] = Double(transformed[tap]) * steps[tap]
        }
      }
    }
    (self.values, self.taps) = (values, taps)
  }

  struct Rounded {
    var weights: [Int8]
    var shifts: [Int]
    var scale: Double
  }

  /// Rounds each tap to the step that suits it best, of those that are powers of two times one scale; of the
  /// scales within an octave, the one with the least error is taken.
  func rounded(greatestShift: Int) -> Rounded {
    let channels = values.count / taps
    let needed = (0..<taps).map { tap in
      (values[tap * channels..<(tap + 1) * channels].map(\.magnitude).max() ?? 0) / 127
    }
    let greatest = needed.max()!
    // A channel without weights keeps its bias to 24 bits, others with a large one to 29.
    guard greatest > 0 else {
      return Rounded(
        weights: [Int8](repeating: 0, count: values.count),
        shifts: [Int](repeating: 0, count: taps),
        scale: bias > 0 ? bias / 0x1p24 : 1)
    }
    let least = max(
      needed.filter { $0 > 0 }.min()!, greatest / Double(1 << greatestShift), bias / 0x1p29)
    var best = (error: Double.infinity, scale: 0.0, shifts: [Int]())
    for fraction in Self.octave {
      let scale = least / fraction
      var (error, shifts) = (0.0, [Int]())
      for tap in 0..<taps {
        let exponent = needed[tap] > 0 ? Int((needed[tap] / scale).exponent) : 0
        var chosen = (error: Double.infinity, shift: 0)
        for shift in [exponent, exponent + 1] {
          let shift = min(max(shift, 0), greatestShift)
          let found = squaredError(tap, step: scale * Double(1 << shift))
          if found < chosen.error { chosen = (found, shift) }
        }
        error += gains[tap] * chosen.error
        shifts.append(chosen.shift)
      }
      if error < best.error { best = (error, scale, shifts) }
    }
    var weights: [Int8] = []
    weights.reserveCapacity(values.count)
    for tap in 0..<taps {
      let step = best.scale * Double(1 << best.shifts[tap])
      for index in tap * channels..<(tap + 1) * channels {
        weights.append(Int8(Quantizer.rounded(values[index] / step)))
      }
    }
    return Rounded(weights: weights, shifts: best.shifts, scale: best.scale)
  }

  private func squaredError(_ tap: Int, step: Double) -> Double {
    let channels = values.count / taps
    var sum = 0.0
    for index in tap * channels..<(tap + 1) * channels {
      let error = values[index] - Quantizer.rounded(values[index] / step) * step
      sum += error * error
    }
    return sum
  }
}
