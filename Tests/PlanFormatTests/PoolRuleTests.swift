// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import TestPlans
import Testing

/// The rules of pools of windows; their tensors have the numbers of their steps.
@Suite struct PoolRuleTests {
  private static let maximum = 5
  private static let average = 8
  private let file: PlanFile

  init() throws { file = PlanFile(try testPlan(of: pooledNetwork(), inputSize: 64)) }

  @Test(arguments: [maximum, average]) func windowsAreSmallAndNeverOutsideOfTheImage(step: Int) {
    let rule: StaticString = "a window and a stride of 1 to 16 and less padding"
    for field in StepField.poolKernel.each + StepField.poolStride.each {
      file.expect(step: step, rule, field, [0, 17, .max])
    }
    for field in StepField.poolPadding.each { file.expect(step: step, rule, field, [3, .max]) }
  }

  @Test func outputsHaveThePoolsShape() {
    let rule: StaticString = "an output of the input's format and of the pool's shape"
    for step in [Self.maximum, Self.average] {
      for field in StepField.poolKernel.each { file.expect(step: step, rule, field, [2]) }
      for field in StepField.poolStride.each { file.expect(step: step, rule, field, [3]) }
      // A padding less on one side moves no window of an even number.
      let padding = StepField.poolPadding.each
      for side in 0..<2 {
        file.expect(step: step, rule) {
          $0[padding[side], step] = 0
          $0[padding[side + 2], step] = 0
        }
      }
    }
    // Arithmetic of float32 between tensors of uint8.
    file.expect(step: Self.maximum, rule) { $0.setFloat32(step: Self.maximum) }
  }

  @Test func maximaKeepTheirScale() {
    file.expect(
      step: Self.maximum, "the input's scale and zero point for a maximum", TensorField.scale,
      bits(0.5))
    // The average of the same window may have another scale.
    var file = file
    file[StepField.reduction, Self.maximum] = 1
    #expect(planError(file.bytes) == nil)
  }

  @Test func poolsHaveNoResidualAndTheirArithmetic() {
    file.expect(
      step: Self.average, "a residual at convolutions and scales only", StepField.residual, [7])
    file.expect(
      step: Self.average, "an arithmetic that its operation has", StepField.algorithm,
      [AlgorithmCode.winograd2x2])
    for (field, value) in [(StepField.reduction, 4), (.step(100), 1)] as [(PlanField, UInt64)] {
      var file = file
      file[field, Self.maximum] = value
      #expect(planError(file.bytes) != nil)
    }
  }
}
