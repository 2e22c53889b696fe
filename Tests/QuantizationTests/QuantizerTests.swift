// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanning
import ResNetQuantization
import TestPlans
import Testing

@Suite struct QuantizerTests {
  /// Layers to make others of.
  private let some: Program

  init() throws { some = try TestNetwork.basic.program(inputSize: 32) }

  private func convolution(
    inputs: Int, outputs: Int, kernel: Int, seed: UInt64, weightScale: Float = 1,
    biasScale: Float = 1
  ) -> Convolution {
    var generator = RandomGenerator(seed: seed)
    func random(_ count: Int, _ scale: Float) -> [Float] {
      (0..<count).map { _ in Float.random(in: -1...1, using: &generator) * scale }
    }
    var result = some.convolutions[0]
    result.inputChannels = inputs
    result.outputChannels = outputs
    result.kernelSize = kernel
    result.stride = 1
    result.padding = .init(kernel / 2)
    result.weights = random(outputs * inputs * kernel * kernel, weightScale)
    result.bias = random(outputs, biasScale)
    return result
  }

  /// What one unit of a channel's sum stands for.
  private func step(_ layer: QuantizedLayer, _ channel: Int) -> Double {
    Double(layer.multiplier[channel]) * Double(output.scale)
  }

  /// Expects that the sum over an input of zeros, whose bytes are the zero point, is the bias.
  private func expectBias(
    _ layer: QuantizedLayer, _ source: Convolution, within tolerance: Double = 0
  ) {
    let taps = layer.weights.count / layer.bias.count
    for channel in layer.bias.indices {
      let sum = layer.weights[channel * taps..<(channel + 1) * taps].reduce(0) { $0 + Int($1) }
      let step = step(layer, channel)
      let back = Double(Int(layer.bias[channel]) + sum * input.zeroPoint) * step
      let bias = Double(source.bias[channel])
      #expect(abs(back - bias) <= step * 0.51 + abs(bias) * tolerance)
    }
  }

  private let input = ActivationScale(low: -1, high: 3)
  private let output = ActivationScale(low: 0, high: 8)

  @Test func theGreatestWeightOfEachChannelIs127() {
    let source = convolution(inputs: 8, outputs: 6, kernel: 3, seed: 1)
    let result = Quantizer.quantize(source, input: input, output: output)
    #expect(result.weights.count == source.weights.count)
    for channel in 0..<6 {
      let row = result.weights[channel * 72..<(channel + 1) * 72]
      #expect(row.map { abs(Int($0)) }.max() == 127)
    }
  }

  @Test func weightsComeBackWithinHalfAStep() {
    let source = convolution(inputs: 8, outputs: 6, kernel: 3, seed: 2)
    let result = Quantizer.quantize(source, input: input, output: output)
    for channel in 0..<6 {
      // One product stands for the step of the weights times that of the input.
      let step = step(result, channel) / Double(input.scale)
      for index in channel * 72..<(channel + 1) * 72 {
        let back = Double(result.weights[index]) * step
        #expect(abs(back - Double(source.weights[index])) <= step * 0.5001)
      }
    }
  }

  @Test func theBiasTakesAwayTheZeroPoint() {
    let source = convolution(inputs: 8, outputs: 6, kernel: 3, seed: 3)
    let result = Quantizer.quantize(source, input: input, output: output)
    #expect(input.zeroPoint > 0)
    expectBias(result, source)
  }

  @Test func aChannelOfZerosHasScale1() {
    var source = convolution(inputs: 4, outputs: 2, kernel: 1, seed: 4)
    source.weights = [Float](repeating: 0, count: 8)
    source.bias = [0, 3]
    let result = Quantizer.quantize(source, input: input, output: output)
    #expect(result.weights.allSatisfy { $0 == 0 })
    #expect(result.bias[0] == 0)
    #expect(result.multiplier[0] == 1 / output.scale)
    // Without weights the bias still comes through.
    let bias = Double(result.bias[1]) * step(result, 1)
    #expect(abs(bias - 3) < 3 * 0x1p-20)
  }

  @Test func tinyWeightsLeaveTheBiasInRange() {
    for weightScale in [1e-3, 1e-12, 1e-20, 1e-30, 1e-44] as [Float] {
      for biasScale in [1, 1e6, 1e12] as [Float] {
        let source = convolution(
          inputs: 16, outputs: 4, kernel: 3, seed: 5, weightScale: weightScale, biasScale: biasScale
        )
        let result = Quantizer.quantize(source, input: input, output: output)
        #expect(result.bias.allSatisfy { $0.magnitude < 1 << 30 })
        #expect(result.multiplier.allSatisfy { $0.isFinite })
        expectBias(result, source, within: 1e-6)
      }
    }
  }

  /// The mean colour, of which there is an image, gives the bias; any other colour its sum.
  @Test func theStemNormalisesAnyColour() {
    let stem = convolution(inputs: 3, outputs: 8, kernel: 7, seed: 6)
    let mean = SIMD3<Float>(51, 102, 153) / 255
    let std = SIMD3<Float>(0.2, 0.25, 0.3)
    let result = Quantizer.quantizeStem(stem, mean: mean, std: std, output: output)
    for colour in [[51, 102, 153], [0, 0, 0], [255, 255, 255], [255, 0, 128]] {
      for channel in 0..<8 {
        var accumulator = Int(result.bias[channel])
        var expected = Double(stem.bias[channel])
        // Every weight may be off by half a step, times how far the byte is from the mean.
        var tolerance = 0.51
        for tap in 0..<147 {
          let input = tap / 49
          accumulator += Int(result.weights[channel * 147 + tap]) * colour[input]
          let distance = Double(colour[input]) - Double(mean[input]) * 255
          expected +=
            Double(stem.weights[channel * 147 + tap]) * distance / 255 / Double(std[input])
          tolerance += abs(distance).rounded() * 0.5001
        }
        let step = step(result, channel)
        #expect(abs(Double(accumulator) * step - expected) <= step * tolerance)
      }
    }
  }

  @Test func theClassifierIsQuantizedByRow() throws {
    var generator = RandomGenerator(seed: 8)
    var weights = (0..<40).map { _ in Float.random(in: -2...2, using: &generator) }
    for index in 30..<40 { weights[index] = 0 }
    var linear = try #require(some.linear)
    linear.inputChannels = 10
    linear.outputChannels = 4
    linear.weights = weights
    linear.bias = [1, 2, 3, 4]
    let result = Quantizer.quantizeClassifier(linear)
    for row in 0..<3 {
      #expect(result.weights[row * 10..<(row + 1) * 10].map { abs(Int($0)) }.max() == 127)
      for index in row * 10..<(row + 1) * 10 {
        let back = Float(result.weights[index]) * result.multiplier[row]
        #expect(abs(back - weights[index]) <= result.multiplier[row] * 0.5001)
      }
    }
    #expect(result.weights[30...].allSatisfy { $0 == 0 })
    #expect(result.multiplier[3] == 1)
  }

  @Test func clampsAreAroundTheZeroPoint() {
    let signed = ActivationScale(low: -1, high: 1.55)
    #expect(Quantizer.clamp(signed, isRectified: false) == (-100, 155))
    #expect(Quantizer.clamp(signed, isRectified: true) == (0, 155))
    #expect(Quantizer.clamp(output, isRectified: true) == (0, 255))
    // What rounds to the upper limit is not cut to a step below it.
    let fine = ActivationScale(low: 0, high: 10)
    #expect(Quantizer.clamp(fine, isRectified: true, upper: 6) == (0, 6 / fine.scale))
    #expect(Quantizer.clamp(fine, isRectified: true, upper: 12) == (0, 255))
  }
}
