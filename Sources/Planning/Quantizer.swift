// SPDX-License-Identifier: Apache-2.0

public import ResNetModelGraph

/// A layer with int8 weights, not yet packed.
public struct QuantizedLayer: Equatable, Sendable {
  /// `[oc][ic][row][column]`, of the classifier `[out][in]`; -127…127.
  public var weights: [Int8] = []
  /// Below 2^30 in magnitude, in units of one product; the input's zero point is accounted for. Empty for the
  /// classifier, whose bias is float32.
  public var bias: [Int32] = []
  /// Of the classifier.
  public var floatBias: [Float] = []
  /// From one product to one step of the output, for each output channel; of the classifier from one step of the
  /// weights to a real value.
  public var multiplier: [Float] = []

  /// The biases for inputs that are 128 less: int8 instead of uint8.
  public var flippedBias: [Int32] {
    let perChannel = weights.count / max(bias.count, 1)
    return bias.indices.map { channel in
      let row = weights[channel * perChannel..<(channel + 1) * perChannel]
      return bias[channel] + 128 * row.reduce(0) { $0 + Int32($1) }
    }
  }
}

/// The real value of each byte of an input channel: `step * (byte - zero)`.
///
/// For an activation tensor all channels are alike; for the image they are the normalisation by mean
/// and std, which so becomes part of the stem's weights and bias.
private typealias InputEncoding = (step: Double, zero: Double)

/// The means of channels, by which biases take up what quantization changes of a layer's mean outputs.
///
/// Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019.
public struct LayerMeans: Equatable, Sendable {
  /// Of the input's channels in float32.
  public var input: [Double]
  /// Of the input's channels as the quantized layers before make them.
  public var quantizedInput: [Double]
  /// By how much the residual's channels are greater when they are quantized; empty without a residual.
  public var residualShift: [Double] = []

  /// - Parameter quantizedInput: nil if it is as in float32.
  public init(input: [Double], quantizedInput: [Double]? = nil, residualShift: [Double] = []) {
    self.input = input
    self.quantizedInput = quantizedInput ?? input
    self.residualShift = residualShift
  }
}

/// Quantizes weights to int8, symmetrically, with one scale for each output channel.
public enum Quantizer {
  /// Quantizes a convolution whose input is an activation tensor.
  ///
  /// - Parameter means: with them the bias takes up what quantization changes of the outputs' means, apart from
  ///   borders.
  public static func quantize(
    _ convolution: Convolution, input: ActivationScale, output: ActivationScale,
    means: LayerMeans? = nil
  ) -> QuantizedLayer {
    let encoding = (step: Double(input.scale), zero: Double(input.zeroPoint))
    let channels = convolution.inputChannels
    return quantize(convolution, Array(repeating: encoding, count: channels), output, means)
  }

  /// Quantizes the stem's first convolution, whose input are RGB bytes.
  ///
  /// - Parameters:
  ///   - mean, std: of R, G and B, for bytes divided by 255.
  public static func quantizeStem(
    _ stem: Convolution, mean: SIMD3<Float>, std: SIMD3<Float>, output: ActivationScale,
    means: LayerMeans? = nil
  ) -> QuantizedLayer {
    let encodings = (0..<3).map { (1 / (255 * Double(std[$0])), 255 * Double(mean[$0])) }
    return quantize(stem, encodings, output, means)
  }

  /// Quantizes the classifier, whose input are float32 features.
  public static func quantizeClassifier(
    _ layer: Convolution, means: LayerMeans? = nil
  ) -> QuantizedLayer {
    var result = QuantizedLayer()
    result.floatBias = layer.bias
    result.weights.reserveCapacity(layer.weights.count)
    let inputs = layer.inputChannels
    for output in 0..<layer.outputChannels {
      let row = layer.weights[output * inputs..<(output + 1) * inputs]
      let greatest = Double(row.map(\.magnitude).max() ?? 0)
      let step = greatest > 0 ? greatest / 127 : 1
      result.weights.append(contentsOf: row.map { Int8(rounded(Double($0) / step)) })
      result.multiplier.append(Float(step))
      guard let means else { continue }
      var change = 0.0
      for index in 0..<inputs {
        let weight = Double(result.weights[output * inputs + index]) * step
        change += weight * means.quantizedInput[index]
        change -= Double(layer.weights[output * inputs + index]) * means.input[index]
      }
      result.floatBias[output] = Float(Double(layer.bias[output]) - change)
    }
    return result
  }

  /// The clamp of an output before rounding to bytes, without its zero point.
  public static func clamp(
    _ output: ActivationScale, isRectified: Bool, upper: Float = .infinity
  ) -> (low: Float, high: Float) {
    let low = isRectified ? 0 : -Float(output.zeroPoint)
    return (low, min(Float(255 - output.zeroPoint), upper / output.scale))
  }

  private static func quantize(
    _ convolution: Convolution, _ inputs: [InputEncoding], _ output: ActivationScale,
    _ means: LayerMeans?
  ) -> QuantizedLayer {
    let taps = convolution.kernelSize * convolution.kernelSize
    let perChannel = convolution.readChannels * taps
    // For each weight of an output channel: in loops without a division of its index. What a group reads beyond the
    // last channel has weights of 0.
    func spread(_ values: [Double], from first: Int) -> [Double] {
      (0..<perChannel).map { values[min(first + $0 / taps, values.count - 1)] }
    }
    let steps = spread(inputs.map(\.step), from: 0)
    let zeros = spread(inputs.map(\.zero), from: 0)
    var spreadMeans: (input: [Double], quantized: [Double])?
    var quotients = [Double](repeating: 0, count: perChannel)
    var result = QuantizedLayer()
    result.weights.reserveCapacity(convolution.weights.count)
    for channel in 0..<convolution.outputChannels {
      let first = channel * perChannel
      if let means, channel % (convolution.groupWidth ?? convolution.outputChannels) == 0 {
        let group = convolution.groupWidth == nil ? 0 : channel
        spreadMeans = (spread(means.input, from: group), spread(means.quantizedInput, from: group))
      }
      var greatest = 0.0
      for index in 0..<perChannel {
        // In these units one step of the input is 1.
        quotients[index] = Double(convolution.weights[first + index]) * steps[index]
        greatest = max(greatest, quotients[index].magnitude)
      }
      let bias = Double(convolution.bias[channel])
      let step = productStep(greatest: greatest, bias: bias)
      var zeroSum = 0.0
      for index in 0..<perChannel {
        quotients[index] /= step
        let weight = Int8(rounded(quotients[index]))
        result.weights.append(weight)
        zeroSum += Double(weight) * zeros[index]
      }
      var change = 0.0
      if let (inputs, quantizedInputs) = spreadMeans {
        for index in 0..<perChannel {
          let weight = Double(result.weights[first + index])
          change +=
            (weight * quantizedInputs[index] - quotients[index] * inputs[index]) / steps[index]
        }
      }
      if let means, !means.residualShift.isEmpty { change += means.residualShift[channel] / step }
      let integerBias = min(max(bias / step - change - zeroSum, -0x1p30), 0x1p30)
        .rounded(.toNearestOrEven)
      result.bias.append(Int32(integerBias))
      result.multiplier.append(Float(step / Double(output.scale)))
    }
    return result
  }

  /// What one product of the accumulator stands for.
  ///
  /// The greatest weight becomes 127, unless the bias would then leave its range of 2^29: a channel
  /// with weights near zero is quantized more coarsely instead. A channel without any weight keeps
  /// its bias to 24 bits; without a bias too its step is 1.
  private static func productStep(greatest: Double, bias: Double) -> Double {
    if greatest > 0 { return max(greatest / 127, bias.magnitude / 0x1p29) }
    return bias == 0 ? 1 : bias.magnitude / 0x1p24
  }

  /// To an integer of -127…127, half to even.
  static func rounded(_ value: Double) -> Double {
    // Adding and subtracting 1.5 * 2^52 rounds, without a call of the C library.
    (min(max(value, -127), 127) + 0x1.8p52) - 0x1.8p52
  }
}
