// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetPlanning
import ResNetQuantization
import TestPlans
import Testing

@Suite struct HistogramTests {
  private func histogram(_ runs: [[Float]]) -> Histogram {
    var histogram = Histogram()
    for run in runs { run.withUnsafeBufferPointer { _ = histogram.add($0) } }
    return histogram
  }

  /// Values over many orders of magnitude, both signs, with zeros.
  private func values(_ count: Int, seed: UInt64) -> [Float] {
    var generator = RandomGenerator(seed: seed)
    return (0..<count).map { index in
      if index % 10 == 0 { return index % 20 == 0 ? 0 : -0.0 }
      let magnitude = Float(
        sign: .plus, exponent: Int.random(in: -60...12, using: &generator), significand: 1)
      return Float.random(in: -1...1, using: &generator) * magnitude
    }
  }

  @Test func theOrderDoesNotMatter() {
    let values = values(5000, seed: 1)
    let expected = histogram([values])
    #expect(histogram([values.reversed()]) == expected)
    #expect(histogram([values.sorted()]) == expected)
    #expect(histogram([values.sorted { abs($0) > abs($1) }]) == expected)
    #expect(histogram(values.map { [$0] }) == expected)
    #expect(expected.count == 5000)
    #expect(expected.minimum == values.min() && expected.maximum == values.max())
  }

  @Test func mergingIsAddingAll() {
    let parts = [values(900, seed: 2), values(10, seed: 3).map { $0 * 1000 }, [1e-30, -1e-30], []]
    let expected = histogram([parts.flatMap { $0 }])
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
      var merged = Histogram()
      for index in order { merged.merge(histogram([parts[index]])) }
      #expect(merged == expected)
    }
  }

  @Test func otherValuesMakeAnotherHistogram() {
    #expect(histogram([[1, 2]]) != histogram([[1, 2, 2]]))
    #expect(histogram([[1, 2, 3]]) != histogram([[1, 2.5, 3]]))
  }

  /// The width of a bin that holds the greatest magnitude in 4096 bins, a power of two.
  private func binWidth(_ values: [Float]) -> Float {
    var width: Float = 0x1p-40
    while (values.map(abs).max() ?? 0) >= 4096 * width { width *= 2 }
    return width
  }

  @Test(arguments: [50, 75, 90, 99, 99.9, 99.99, 100])
  func percentilesAreWithinABinOfASort(percent: Double) {
    var generator = RandomGenerator(seed: 6)
    for scale in [1e-6, 1, 1e6] as [Float] {
      let values = (0..<20_000).map { _ in Float.random(in: -2...3, using: &generator) * scale }
      let sorted = values.sorted()
      let histogram = histogram([values])
      let excluded = Int((Double(values.count) * (1 - percent / 100)).rounded(.down))
      let width = binWidth(values)
      let upper = sorted[values.count - 1 - excluded]
      let found = histogram.upperPercentile(percent)
      #expect(found >= max(upper, 0) && found <= max(upper, 0) + width)
      let lower = sorted[excluded]
      let foundLower = histogram.lowerPercentile(percent)
      #expect(foundLower <= min(lower, 0) && foundLower >= min(lower, 0) - width)
    }
  }

  @Test func percentilesStayWithinTheRange() {
    let one = histogram([[0.3]])
    #expect(one.upperPercentile(100) == 0.3)
    #expect(one.lowerPercentile(100) == 0)
    let negative = histogram([[-5, -4, -3]])
    #expect(negative.lowerPercentile(100) == -5)
    #expect(negative.upperPercentile(100) == 0)
    let zeros = histogram([[0, -0.0, 0]])
    #expect(zeros.upperPercentile(99) == 0 && zeros.lowerPercentile(99) == 0)
    #expect(zeros.minimum == 0 && zeros.maximum == 0 && zeros.count == 3)
  }

  @Test func outliersAreLeftOut() {
    let values = [Float](repeating: 1, count: 9999) + [1000]
    #expect(histogram([values]).upperPercentile(100) == 1000)
    // 1000 / 4096 rounded up to a power of two is the bin that 1 lies in.
    #expect(histogram([values]).upperPercentile(99.9) <= 1.25)
  }

  @Test func theGreatestFloatHasItsBin() {
    let extremes: [Float] = [
      .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, 0,
    ]
    let found = histogram([extremes])
    #expect(found.upperPercentile(100) == .greatestFiniteMagnitude)
    #expect(found.lowerPercentile(100) == -.greatestFiniteMagnitude)
    #expect(histogram([extremes.reversed()]) == found)
  }

  /// Normally distributed values (Box and Muller).
  private func normal(_ count: Int, seed: UInt64 = 4) -> [Float] {
    var generator = RandomGenerator(seed: seed)
    return (0..<count).map { _ in
      let radius = (-2 * log(Double.random(in: 0.0000001...1, using: &generator))).squareRoot()
      return Float(radius * cos(2 * .pi * Double.random(in: 0...1, using: &generator)))
    }
  }

  private func squaredError(_ values: [Float], _ range: (low: Float, high: Float)) -> Double {
    let scale = ActivationScale(low: range.low, high: range.high)
    return values.reduce(0) { sum, value in
      let level = (Double(value) / Double(scale.scale)).rounded() + Double(scale.zeroPoint)
      let back = Double(scale.scale) * (min(max(level, 0), 255) - Double(scale.zeroPoint))
      return sum + (back - Double(value)) * (back - Double(value))
    }
  }

  @Test func theRangeOfLeastErrorHasLessThanMostOthers() {
    for values in [normal(100_000), normal(100_000).map { max($0, 0) }] {
      let histogram = histogram([values])
      let found = squaredError(values, histogram.rangeOfLeastError())
      for part in stride(from: Float(0.3), through: 1, by: 0.05) {
        let other = (low: histogram.minimum * part, high: histogram.maximum * part)
        #expect(found <= squaredError(values, other) * 1.01, "\(part)")
      }
    }
  }

  /// Bell-shaped, with a few values far out.
  private func withOutliers(rectified: Bool) -> [Float] {
    (normal(1_000_000, seed: 9) + [-9, 10]).map { rectified ? max($0, 0) : $0 }
  }

  @Test(arguments: [false, true]) func farValuesAreClippedForLessError(rectified: Bool) {
    let values = withOutliers(rectified: rectified)
    let range = histogram([values]).rangeOfLeastError()
    #expect(range.high > 3 && range.high < 8)
    let least = squaredError(values, range)
    #expect(least < 0.8 * squaredError(values, (values.min()!, values.max()!)))
    // No range that is somewhat narrower or wider is much better.
    for part in [0.8, 0.9, 1.1, 1.25] as [Float] {
      #expect(squaredError(values, (range.low * part, range.high * part)) > 0.97 * least)
    }
  }

  @Test(arguments: [false, true]) func farValuesAreClippedForLessDivergence(rectified: Bool) {
    let range = histogram([withOutliers(rectified: rectified)]).rangeOfLeastDivergence()
    #expect(range.high > 2.5 && range.high < 8)
    #expect(rectified ? range.low == 0 : range.low < -2.5 && range.low > -8)
  }

  @Test func evenlySpreadValuesAreNotClipped() {
    let histogram = histogram([(0..<65536).map { Float($0) / 65536 }])
    for range in [histogram.rangeOfLeastError(), histogram.rangeOfLeastDivergence()] {
      #expect(range.low == 0 && range.high > 0.98)
    }
  }

  @Test func deadTensorsHaveARange() {
    for values in [[0], [], [0, 0, 0]] as [[Float]] {
      for range in [
        histogram([values]).rangeOfLeastError(), histogram([values]).rangeOfLeastDivergence(),
      ] {
        #expect(ActivationScale(low: range.low, high: range.high).scale == 1)
      }
    }
  }

  @Test func exactSumsDoNotDependOnTheOrder() {
    let values =
      normal(1000).map { Double($0) * 1e6 } + normal(1000, seed: 5).map { Double($0) * 1e-6 }
    func sum(_ values: [Double]) -> Double {
      var sum = ExactSum()
      for value in values { sum.add(value) }
      return sum.mean(of: values.count)
    }
    #expect(sum(values) == sum(values.reversed()))
    #expect(sum(values) == sum(values.sorted()))
    #expect(abs(sum(values) - values.reduce(0, +) / 2000) < 1e-6)
  }

  /// With the means of the inputs, the mean of the quantized sums is that of the exact ones.
  @Test func correctedBiasesKeepTheMean() throws {
    var convolution = try TestNetwork.bottleneck.program(inputSize: 32).convolutions[1]
    convolution.inputChannels = 8
    convolution.outputChannels = 3
    convolution.kernelSize = 1
    convolution.padding = 0
    let weights = normal(8 * 3, seed: 11).map { $0 * 0.1 }
    convolution.weights = weights
    convolution.bias = [0.1, -0.2, 0]
    let means = (0..<8).map { 1 + Double($0) * 0.25 }
    let input = ActivationScale(low: 0, high: 4)
    let output = ActivationScale(low: -2, high: 2)
    let bias = convolution.bias
    func worst(_ quantized: QuantizedLayer) -> Double {
      (0..<3).map { channel in
        let exact = (0..<8).reduce(Double(bias[channel])) {
          $0 + Double(weights[channel * 8 + $1]) * means[$1]
        }
        let sum = (0..<8).reduce(Double(quantized.bias[channel])) {
          let stored = means[$1] / Double(input.scale) + Double(input.zeroPoint)
          return $0 + Double(quantized.weights[channel * 8 + $1]) * stored
        }
        let step = Double(quantized.multiplier[channel]) * Double(output.scale)
        return abs(sum * step - exact)
      }.max()!
    }
    let plain = Quantizer.quantize(convolution, input: input, output: output)
    let corrected = Quantizer.quantize(
      convolution, input: input, output: output, means: LayerMeans(input: means))
    #expect(worst(plain) > 1e-4)
    #expect(worst(corrected) < worst(plain) / 10)
    #expect(corrected.weights == plain.weights)
    // An input and a residual that quantization changed before: the sum of the three is as in float32.
    let shifts = [0.3, -0.1, 0.2]
    let lesser = means.map { $0 - 0.2 }
    let sequential = Quantizer.quantize(
      convolution, input: input, output: output,
      means: LayerMeans(input: means, quantizedInput: lesser, residualShift: shifts))
    #expect(sequential.weights == plain.weights)
    for channel in 0..<3 {
      let step = Double(corrected.multiplier[channel]) * Double(output.scale)
      let change = (0..<8).reduce(0.0) {
        $0 + Double(corrected.weights[channel * 8 + $1]) * 0.2 / Double(input.scale)
      }
      let expected = Double(corrected.bias[channel]) + change - shifts[channel] / step
      #expect(abs(Double(sequential.bias[channel]) - expected) <= 1)
    }
  }
}
