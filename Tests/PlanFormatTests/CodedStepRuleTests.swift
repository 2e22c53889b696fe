// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import TestPlans
import Testing

/// The rules of convolutions that code their inputs: both of layer1.0, in either form.
@Suite struct CodedStepRuleTests {
  private let coded: PlanFile
  private let direct: PlanFile

  init() throws {
    coded = PlanFile(try TestNetwork.basic.plan(inputSize: 32, isCoded: true))
    direct = PlanFile(try TestNetwork.basic.plan(inputSize: 32))
  }

  @Test func bothFormsAreInThePlan() {
    #expect(coded[StepField.algorithm, Step.convolution] == AlgorithmCode.coded4x4)
    #expect(coded[StepField.algorithm, Step.sum] == AlgorithmCode.coded2x2)
    #expect(planError(coded.bytes) == nil)
  }

  @Test func onlyInt8ConvolutionsAreCoded() throws {
    let rule: StaticString = "an arithmetic that its operation has"
    let codes = [AlgorithmCode.coded2x2, AlgorithmCode.coded4x4]
    for step in [Step.input, Step.stem, Step.pool, Step.linear] {
      coded.expect(step: step, rule, StepField.algorithm, codes)
    }
    let float32 = PlanFile(
      try TestNetwork.basic.plan(inputSize: 32, weights: .float32) { $0.winograd = .off })
    float32.expect(step: Step.convolution, rule, StepField.algorithm, codes)
  }

  @Test func theyAre3x3WithStride1() {
    // The scratch memory of the others is large enough; the weights would be within the constants.
    coded.expect(step: Step.strided, "a form that its shape allows") {
      $0[StepField.algorithm, Step.strided] = AlgorithmCode.coded2x2
      $0[StepField.transformed, Step.strided] = 0
    }
  }

  @Test func theyHaveTransformedWeightsOnly() {
    coded.expect(
      step: Step.convolution, "no plain weights beside stored transformed ones", StepField.weights,
      [64])
    // Nobody makes coded weights of others.
    coded.expect(step: Step.convolution, "transformed weights with a place") {
      $0[StepField.transformedPlace, Step.convolution] = 1
      $0[StepField.transformed, Step.convolution] = 0
    }
    coded.expect(step: Step.convolution, "coded weights in the constants") {
      $0.made = 49 * 16 * 16
      $0[StepField.transformedPlace, Step.convolution] = 1
      $0[StepField.transformed, Step.convolution] = 0
    }
  }

  @Test func theirConstantsAreInTheirSection() {
    let rule: StaticString = "aligned constants within their section"
    let fields = [
      StepField.bias, StepField.multiplier, StepField.shifts, StepField.factors,
    ]
    for field in fields {
      coded.expect(
        step: Step.convolution, rule, field, [1, 32, coded.constantsByteCount, 1 << 62])
    }
    coded.expect(
      step: Step.convolution, rule, StepField.transformed,
      [1, 32, coded.constantsByteCount - 64, coded.constantsByteCount, 1 << 62])
    // The starts for flipped inputs, behind the plain ones, end outside.
    coded.expect(
      step: Step.convolution, rule, StepField.bias,
      [coded.constantsByteCount - UInt64(PlanLayout.aligned(49 * 16 * 4))])
  }

  @Test func theirNumbersAreInRange() {
    let (shifts, factors) = (
      Int(coded[StepField.shifts, Step.convolution]),
      Int(coded[StepField.factors, Step.convolution])
    )
    for place in [0, 4 * (49 * 16 - 1)] {
      coded.expect(
        .step(index: Step.convolution, "shifts of coded sums of 0 to 31"),
        .constant(shifts + place), [32, 1 << 31])
    }
    // Two factors in each word; seven rows of eight.
    for place in [0, 4 * (7 * 4 - 1)] {
      coded.expect(
        .step(index: Step.convolution, "factors of codes of 0 to 32767"),
        .constant(factors + place), [0x8000, 0x8000_0000])
    }
    coded.expect(
      step: Step.convolution, "a zero of codes of -32000 to 32000", StepField.codeZero,
      [32001, 1 << 31, UInt64(UInt32(bitPattern: -32001))])
    var file = coded
    file[StepField.codeZero, Step.convolution] = UInt64(UInt32(bitPattern: -32000))
    file[.constant(shifts), 0] = 31
    file[.constant(factors), 0] = 0x7FFF_7FFF
    #expect(planError(file.bytes) == nil)
  }

  @Test func directSumsHaveNoneOfIt() {
    for field in [StepField.codeZero, StepField.shifts, StepField.factors] {
      direct.expect(
        step: Step.convolution,
        "shifts, factors and a zero of codes only where inputs are coded", field, [64])
    }
  }
}
