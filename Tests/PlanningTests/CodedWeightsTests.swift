// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import TestPlans
import Testing

/// The weights of coded convolutions against transforms in doubles, from the papers.
@Suite struct CodedWeightsTests {
  /// G of F(2, 3), and of SFC-4(4, 3).
  private static let transforms: [(form: Arithmetic.Algorithm, rows: [[Double]])] = [
    (.coded2x2, [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]),
    (
      .coded4x4,
      [
        [0.25, 0.25, 0.25], [0.25, -0.25, 0.25], [0.5, 0, -0.5], [0, 0.5, 0], [0.5, 0.5, -0.5],
        [1, 0, 0], [0, 0, 1],
      ]
    ),
  ]

  /// A layer to make others of.
  private let some: Convolution

  init() throws { some = try TestNetwork.basic.program(inputSize: 32).convolutions[0] }

  private func convolution(_ inputs: Int, _ outputs: Int) -> Convolution {
    var generator = RandomGenerator(seed: 1)
    func random(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
    }
    var result = some
    (result.inputChannels, result.outputChannels) = (inputs, outputs)
    (result.kernelSize, result.stride, result.padding) = (3, 1, 1)
    result.weights = random(inputs * outputs * 9)
    result.bias = random(outputs)
    return result
  }

  private func coding(_ form: Arithmetic.Algorithm) -> Coding {
    Coding(form, factors: (0..<form.products).map { Int16(3000 + 100 * $0) }, zero: 140)
  }

  @Test(arguments: [0, 1])
  func everyTapIsTheTransformWithinItsStep(_ index: Int) throws {
    let (form, rows) = Self.transforms[index]
    var convolution = convolution(21, 19)
    // Channels that differ by orders of magnitude, and one without weights.
    for place in 0..<21 * 9 {
      convolution.weights[21 * 9 + place] *= 1e-6
      convolution.weights[2 * 21 * 9 + place] = 0
    }
    let input = ActivationScale(low: 0, high: 5)
    let coding = coding(form)
    let coded = try #require(CodedWeights(convolution, inputs: 32, input, coding))
    #expect(coded.weights.allSatisfy { $0 >= -127 } && coded.shifts.allSatisfy { 0...6 ~= $0 })
    let columns = rows.count
    var clipped = 0
    for output in 0..<19 where output != 2 {
      for tap in 0..<form.products {
        let place = (output / 16 * form.products + tap) * 16 + output % 16
        let step = coded.scales[output] * Double(1 << coded.shifts[place])
        for channel in 0..<21 {
          var exact = 0.0
          for i in 0..<3 {
            for j in 0..<3 {
              let weight = convolution.weights[(output * 21 + channel) * 9 + 3 * i + j]
              exact += rows[tap / columns][i] * rows[tap % columns][j] * Double(weight)
            }
          }
          exact *= Double(input.scale) * 0x1p15 / Double(coding.factors[tap])
          let error = (coded.value(output, tap, channel) - exact).magnitude
          if exact.magnitude > 127.5 * step {
            clipped += 1
          } else {
            #expect(error <= step * 0.5001)
          }
        }
      }
    }
    #expect(clipped * 50 < 18 * form.products * 21, "\(clipped) clipped")
    #expect(coded.scales[2] > 0, "a scale for the bias")
    #expect(coded.scales[19...].allSatisfy { $0 == 0 })
  }

  @Test(arguments: [0, 1])
  func startsTakeTheZerosAndTheBiasIn(_ index: Int) throws {
    let form = Self.transforms[index].form
    let coding = coding(form)
    let coded = try #require(
      CodedWeights(convolution(16, 16), inputs: 16, ActivationScale(low: -1, high: 2), coding))
    let biases = (0..<16).map { Double($0) - 7 }
    let starts = coded.starts(coding, inputZero: 85, biases: biases)
    let zeroTap = form == .coded2x2 ? 5 : 0
    for output in 0..<16 {
      for tap in 0..<form.products {
        let place = tap * 16 + output
        let scale = coded.scales[output] * Double(1 << coded.shifts[place])
        let sum = (0..<16).reduce(0) { $0 + coded.value(output, tap, $1) / scale }
        var expected = -128 * sum
        if tap == zeroTap {
          // All inputs are the zero point.
          let v = Double((form == .coded2x2 ? 4 : 16) * (85 - 128))
          expected =
            -(140 + v * Double(coding.factors[tap]) / 0x1p15) * sum + biases[output] / scale
        }
        #expect((Double(starts[place]) - expected).magnitude <= 0.5001, "\(output), \(tap)")
        let flipped = Double(coded.flipped(starts)[place])
        #expect(flipped == Double(starts[place]) + (128 * sum).rounded())
      }
    }
  }

  @Test func sumsStayInTheirRange() throws {
    // So many equal weights would leave it with the shifts that suit them best.
    var convolution = convolution(2048, 1)
    for place in convolution.weights.indices {
      convolution.weights[place] = place % 9 == 4 ? 1 : 0.001
    }
    for (form, _) in Self.transforms {
      let coding = coding(form)
      let coded = try #require(
        CodedWeights(convolution, inputs: 2048, ActivationScale(low: 0, high: 1), coding))
      let starts = coded.starts(coding, inputZero: 0, biases: [])
      #expect(coded.greatestSum(starts) <= 1 << 30)
      #expect(coded.greatestSum(starts) > 1 << 27, "no more than is needed")
    }
  }

  @Test func sumsBeyondTheRangeAreAnError() throws {
    // A bias that no sum of these weights and codes can hold.
    var convolution = convolution(16, 16)
    convolution.weights = convolution.weights.map { $0 * 1e-30 }
    let coded = try #require(
      CodedWeights(
        convolution, inputs: 16, ActivationScale(low: 0, high: 1), coding(.coded2x2)))
    // Their scale is that of the bias, so it can.
    let starts = coded.starts(
      coding(.coded2x2), inputZero: 0, biases: convolution.bias.map(Double.init))
    #expect(coded.greatestSum(starts) <= Int32.max)
    let beyond = coded.starts(
      coding(.coded2x2), inputZero: 0, biases: convolution.bias.map { Double($0) * 1e9 })
    #expect(coded.greatestSum(beyond) > Int32.max)
  }
}
