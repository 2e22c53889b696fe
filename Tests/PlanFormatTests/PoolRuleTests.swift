// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import TestPlans
import Testing

/// The rules of pools of windows; their tensors have the numbers of their steps.
@Suite struct PoolRuleTests {
  private static let maximum = 5
  private static let average = 8
  private static let reduction = [64]
  private static let kernel = [68, 72]
  private static let stride = [76, 80]
  private static let padding = [84, 88, 92, 96]
  private let file: PlanFile

  init() throws { file = PlanFile(try testPlan(of: pooledNetwork(), inputSize: 64)) }

  @Test func windowsAreSmallAndNeverOutsideOfTheImage() {
    let rule: StaticString = "a window and a stride of 1 to 16 and less padding"
    for step in [Self.maximum, Self.average] {
      for offset in Self.kernel + Self.stride {
        for value in [0, 17, .max] as [UInt32] {
          expectStepError(step, rule, in: file) { file, _ in
            file.set(step: step, [offset], value)
          }
        }
      }
      for offset in Self.padding {
        for value in [3, .max] as [UInt32] {
          expectStepError(step, rule, in: file) { file, _ in
            file.set(step: step, [offset], value)
          }
        }
      }
    }
  }

  @Test func outputsHaveThePoolsShape() {
    let rule: StaticString = "an output of the input's format and of the pool's shape"
    for step in [Self.maximum, Self.average] {
      for (field, value) in [(Self.kernel, 2), (Self.stride, 3), (Self.padding, 0)]
        as [([Int], UInt32)]
      {
        for offset in [field[0], field[1]] {
          expectStepError(step, rule, in: file) { file, _ in
            file.set(step: step, [offset], value)
            // A padding less moves no window of an even number.
            if field == Self.padding { file.set(step: step, [offset + 8], 0) }
          }
        }
      }
    }
    // Arithmetic of float32 between tensors of uint8.
    expectStepError(Self.maximum, rule, in: file) {
      for byte in 0..<3 {
        $0.set(.steps, $1 + StepField.activations + byte, byte: byte == 1 ? 2 : 1)
      }
    }
  }

  @Test func maximaKeepTheirScale() {
    let rule: StaticString = "the input's scale and zero point for a maximum"
    expectStepError(Self.maximum, rule, in: file) { file, _ in
      file.setFloat(.tensors, Self.maximum * 64 + 32, 0.5)
    }
    // The average of the same window may have another scale.
    var file = file
    file.set(step: Self.maximum, Self.reduction, 1)
    #expect(planError(file.bytes) == nil)
  }

  @Test func poolsHaveNoResidualAndTheirArithmetic() {
    expectStepError(Self.average, "a residual at convolutions only", in: file) { file, _ in
      file.set(step: Self.average, StepField.residual, 7)
    }
    expectStepError(Self.average, "an arithmetic that its operation has", in: file) {
      $0.set(.steps, $1 + StepField.algorithm, byte: AlgorithmCode.winograd2x2)
    }
    for (offset, value) in [(Self.reduction[0], 3), (100, 1)] as [(Int, UInt32)] {
      var file = file
      file.set(step: Self.maximum, [offset], value)
      #expect(planError(file.bytes) != nil)
    }
  }
}
