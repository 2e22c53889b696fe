// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import ResNetPlanning
import TestPlans
import Testing

/// The rules of steps with fp16 or float32 weights.
@Suite struct FloatStepRuleTests {
  /// Winograd forms wherever there can be one, their weights made by the session or stored.
  private let made, stored, madeFloats, storedFloats: PlanFile
  private let int8: PlanFile

  init() throws {
    func plan(_ transformed: WinogradWeights, _ weights: WeightFormat) throws -> PlanFile {
      PlanFile(
        try TestNetwork.basic.plan(inputSize: 32, weights: weights) {
          // Other levels sum so few channels directly in float32.
          $0.targets = [.neon]
          $0.winograd = transformed
          $0.winogradByteLimit = 1 << 30
        })
    }
    made = try plan(.atLoad, .float16)
    stored = try plan(.inPlan, .float16)
    madeFloats = try plan(.atLoad, .float32)
    storedFloats = try plan(.inPlan, .float32)
    int8 = PlanFile(try TestNetwork.basic.plan(inputSize: 32))
  }

  @Test func thePlansUnderTestAreSound() {
    for (file, format) in [(made, 1), (stored, 1), (madeFloats, 2), (storedFloats, 2)] {
      #expect(planError(file.bytes) == nil)
      #expect(file[StepField.weightFormat, Step.convolution] == UInt64(format))
      for step in [Step.convolution, Step.sum] {
        #expect(file[StepField.algorithm, step] != AlgorithmCode.direct)
      }
    }
    #expect(made.made > 0 && madeFloats.made > 0)
    #expect(stored.made == 0 && storedFloats.made == 0)
  }

  @Test func formsFitTheirConvolutions() {
    for (made, stored) in [(made, stored), (madeFloats, storedFloats)] {
      made.expect(
        step: Step.strided, "a form that its shape allows",
        StepField.algorithm, [AlgorithmCode.winograd4x4])
      // Less than the largest form takes, but as much as the stem.
      stored.expect(.scratchAsNeeded) { $0.scratch -= 64 }
    }
  }

  @Test func floatsNeedTwiceThePlaceOfHalves() {
    made.expect(step: Step.sum, "transformed weights behind those of earlier steps") {
      $0[StepField.weightFormat, Step.convolution] = 2
    }
    // The last place that is enough for 16 × 16 channels in fp16.
    let positions = [0, 16, 24, 36][Int(stored[StepField.algorithm, Step.convolution])]
    var file = stored
    file[StepField.transformed, Step.convolution] =
      file.constantsByteCount - UInt64(2 * 16 * 16 * positions)
    #expect(planError(file.bytes) == nil)
    file.expect(
      step: Step.convolution, "aligned constants within their section", StepField.weightFormat, [2])
  }

  @Test func aLayerThatConvertsHasScratchMemoryForItsStripsAndTiles() throws {
    let layer = try TestNetwork.basic.layers(inputSize: 32)[1]
    let mixed = PlanFile(
      try TestNetwork.basic.plan(inputSize: 32, layers: [layer: .float16]) {
        $0.winogradByteLimit = 1 << 30
      })
    #expect(planError(mixed.bytes) == nil)
    #expect(mixed[StepField.algorithm, Step.convolution] != AlgorithmCode.direct)
    for change in [-64, -1, 1, 64, 1 << 31] {
      mixed.expect(.scratchAsNeeded) { $0.scratch = UInt64(Int($0.scratch) + change) }
    }
  }

  @Test func formsAreOfWholeBlocksOfChannels() {
    // The image itself, 3 channels, as the input of a convolution of its size.
    made.expect(
      step: Step.convolution, "a form that its shape allows"
    ) {
      $0.arena = 1 << 24
      $0.scratch = 1 << 24
      $0[TensorField.last, Step.input] = 9
      $0[StepField.input, Step.convolution] = 0
      $0[TensorField.size, Step.convolution] = 32
    }
  }

  @Test func transformedWeightsHaveAPlace() {
    let inConstants: StaticString = "aligned constants within their section"
    let made: StaticString = "transformed weights with a place"
    for (file, end, rule) in [
      (stored, stored.constantsByteCount, inConstants), (self.made, self.made.made, made),
      (storedFloats, storedFloats.constantsByteCount, inConstants),
      (madeFloats, madeFloats.made, made),
    ] {
      file.expect(
        step: Step.convolution, rule, StepField.transformed, [1, 32, end, end - 64, 1 << 62])
    }
  }

  @Test func storedWinogradWeightsAreTheOnlyOnes() {
    for file in [stored, storedFloats] {
      file.expect(
        step: Step.convolution, "no plain weights beside stored transformed ones",
        StepField.weights, [64])
    }
  }

  @Test func plainWeightsAreWithinTheConstants() {
    for file in [made, madeFloats] {
      let size = file.constantsByteCount
      file.expect(
        step: Step.convolution, "aligned constants within their section", StepField.weights,
        [1, size, size - 64])
    }
  }

  @Test func whatASessionMakesHasNoGaps() {
    let rule: StaticString = "transformed weights behind those of earlier steps"
    for file in [made, madeFloats] {
      file.expect(step: Step.convolution, rule, StepField.transformed, [64])
      file.expect(step: Step.sum, rule, StepField.transformed, [0])
    }
    for (file, size) in [
      (made, made.made + 64), (made, made.made + 1), (stored, 64),
      (madeFloats, madeFloats.made + 64), (storedFloats, 64),
    ] {
      file.expect(
        .section(.steps, "as many bytes of transformed weights as the header says")
      ) { $0.made = size }
    }
  }

  @Test func halfSumsAreOfConvolutionsWithHalfWeights() {
    var file = made
    for step in Step.stem..<Step.pool { file[StepField.accumulator, step] = 2 }
    #expect(planError(file.bytes) == nil)
    for (step, file) in [
      (Step.input, made), (Step.pool, made), (Step.linear, made), (Step.convolution, madeFloats),
      (Step.convolution, int8),
    ] {
      file.expect(
        step: step, "an arithmetic that its operation has", StepField.accumulator, [2])
    }
  }
}
