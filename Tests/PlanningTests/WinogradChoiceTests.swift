// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import ResNetPlanning
import Testing

@Suite struct WinogradChoiceTests {
  private let shape = WinogradShape(height: 56, width: 56, inputs: 256, outputs: 64)

  private func weights(_ value: Int8) -> [Int8] {
    [Int8](repeating: value, count: 9 * shape.inputs * shape.outputs)
  }

  /// The forms whose sums of the greatest inputs, times the even part of the scale, fit int32.
  private func exactForms(_ weights: [Int8]) -> [Arithmetic.Algorithm] {
    Arithmetic.Algorithm.winograd.filter { $0.isExact(weights, shape) }
  }

  @Test func exactnessIsDecidedByTheGreatestSum() {
    let forms = Arithmetic.Algorithm.winograd
    // 2304 weights times 255 times T against 2^31: 57 is the greatest for T = 64.
    #expect(exactForms(weights(57)) == forms)
    #expect(exactForms(weights(58)) == [forms[0], forms[1]])
    #expect(exactForms(weights(-58)) == [forms[0], forms[1]])
    #expect(exactForms(weights(127)) == [forms[0], forms[1]])
    var one = weights(0)
    for index in stride(from: 60, to: 9 * 256 * 16, by: 64) {
      for lane in 0..<4 { one[index + lane] = 58 }
    }
    #expect(exactForms(one) == [forms[0], forms[1]], "a single channel decides")
  }

  @Test func onlyExactFormsAreChosen() throws {
    let light = try #require(chooseWinograd(weights(1), shape, targets: [.avx2]))
    #expect(light.algorithm == .winograd4x4)
    #expect(light.targets == [.avx2])
    let heavy = try #require(chooseWinograd(weights(127), shape, targets: [.avx2, .avx512vnni]))
    #expect(heavy.algorithm == .winograd4x2)
    #expect(heavy.targets == [.avx2, .avx512vnni])
    #expect(chooseWinograd(weights(1), shape, targets: []) == nil)
  }

  @Test func channelsComeInWholeVectors() {
    let odd = WinogradShape(height: 56, width: 56, inputs: 48, outputs: 64)
    #expect(chooseWinograd([Int8](repeating: 1, count: 9 * 48 * 64), odd, targets: [.avx2]) == nil)
  }
}
