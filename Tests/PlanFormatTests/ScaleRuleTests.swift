// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import TestPlans
import Testing

/// The rules of scales, sigmoids, blurs, groups and dilation; tensors have the numbers of their steps.
@Suite struct ScaleRuleTests {
  private static let (grouped, dilated, sigmoid, gated, normed) = (2, 3, 7, 8, 9)
  private static let (shifted, blur) = (10, 11)
  private let int8, float32: PlanFile

  init() throws {
    int8 = PlanFile(try testPlan(of: familyNetwork(), inputSize: 32))
    float32 = PlanFile(try testPlan(of: familyNetwork(), inputSize: 32, weights: .float32))
  }

  @Test func bothPlansAreSound() {
    #expect(planError(int8.bytes) == nil && planError(float32.bytes) == nil)
  }

  @Test func groupsHaveWidthsThatKernelsTake() {
    let rule: StaticString =
      "groups of 4, 8 or a multiple of 16 channels, as many of the output as of the input"
    int8.expect(step: Self.grouped, rule, StepField.groups, [0, 3, 16, 32, 33, .max])
    // Of one group with gaps the weights are more.
    int8.expect(step: Self.dilated, rule, StepField.groups, [0, 16, .max])
    // Of other output channels.
    int8.expect(step: Self.shifted, rule, StepField.groups, [2, 8])
  }

  @Test func dilationStaysWithinTheBorder() {
    int8.expect(
      step: Self.dilated, "the same kernel, stride and dilation in both directions",
      StepField.dilation.each[0], [1, 3])
    let formats: StaticString = "kernel, stride, padding and formats that its tensors have"
    int8.expect(step: Self.dilated, formats, StepField.dilation, [0, 17, .max])
    int8.expect(step: Self.dilated, formats, StepField.padding, [3, 5, .max])
    int8.expect(
      step: Self.dilated, "an output of the shape that the convolution has", StepField.dilation,
      [3])
    for side in StepField.padding.each {
      int8.expect(
        step: Self.dilated, "an output of the shape that the convolution has", side, [1])
    }
  }

  @Test func gatesAreVectorsOfTheChannels() {
    let live: StaticString = "sources that were written before and are still live"
    int8.expect(step: Self.gated, live, StepField.gate, [8, 9, 15])
    // A vector of other channels that is dead; an image that lives.
    int8.expect(step: Self.gated, live, StepField.gate, [5])
    int8.expect(
      step: Self.gated, "a gate of a float32 vector of the output's channels", StepField.gate,
      [3, 2])
    int8.expect(
      step: Self.gated, "a gate of a float32 vector of the output's channels",
      StepField.gateFactor, bits(.nan, .infinity))
    int8.expect(
      step: Self.gated, "a gate of a float32 vector of the output's channels",
      StepField.scaleMultiplier, [64])
    // Without a gate there are multipliers.
    int8.expect(
      step: Self.gated, "aligned constants within their section", StepField.gate,
      [UInt64(UInt32.max)])
    int8.expect(
      step: Self.normed, "aligned constants within their section", StepField.gateFactor, bits(1))
  }

  @Test func constantsAreInTheirSection() {
    let rule: StaticString = "aligned constants within their section"
    let end = UInt64(int8[.constants].count + 63) / 64 * 64
    for field in [StepField.scaleMultiplier, StepField.scaleOffset, StepField.scaleSlope] {
      int8.expect(step: Self.normed, rule, field, [1, end, .max / 2])
    }
    int8.expect(step: Self.gated, rule, StepField.scaleSlope, [64])
    // A record that cannot be read is missed by the tensor that its step makes.
    int8.expect(
      .tensor(index: Self.gated, "a life that starts with the step that writes it"), of: Self.gated,
      StepField.slopes, [2])
  }

  @Test func scalesKeepShapeAndFormat() {
    let rule: StaticString = "an output of the input's shape and format"
    int8.expect(step: Self.normed, rule) { $0.setFloat32(step: Self.normed) }
    int8.expect(step: Self.gated, "a residual of the output's shape", StepField.residual, [3])
    int8.expect(
      step: Self.gated, "a residual of the output's shape", StepField.scaleResidualFactor,
      bits(.nan, .infinity))
    int8.expect(
      step: Self.gated, "an arithmetic that its operation has", StepField.algorithm,
      [AlgorithmCode.winograd2x2])
  }

  @Test func clampsStayInRange() {
    let bytes: StaticString = "a clamp within 0 to 255, or to 65535 with lower bytes"
    // With lower bytes 0 is 128.
    int8.expect(step: Self.gated, bytes, StepField.scaleLow, bits(-129, .nan))
    int8.expect(step: Self.gated, bytes, StepField.scaleHigh, bits(65536, -1, .nan))
    let floats: StaticString = "a lower bound of 0 or none, not above the upper one"
    float32.expect(step: Self.gated, floats, StepField.scaleLow, bits(1, -1, .nan))
    float32.expect(step: Self.gated, floats, StepField.scaleHigh, bits(-1, .nan))
  }

  @Test func sigmoidsAreOfVectors() {
    let rule: StaticString = "float32 vectors of the same channels"
    int8.expect(step: Self.sigmoid, rule, StepField.input, [3])
    int8.expect(
      step: Self.sigmoid, "an arithmetic that its operation has", StepField.activations, [0])
  }

  @Test func blursHaveOneWindow() {
    let rule: StaticString = "a blur of 3×3 with a padding of 1, of 2×2 pixels at least"
    int8.expect(step: Self.blur, rule) {
      for side in StepField.poolPadding.each { $0[side, Self.blur] = 0 }
      for side in StepField.poolKernel.each { $0[side, Self.blur] = 1 }
    }
    int8.expect(
      .tensor(index: Self.blur, "a life that starts with the step that writes it"), of: Self.blur,
      StepField.reduction, [4])
  }
}
