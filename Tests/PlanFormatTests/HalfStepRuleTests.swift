// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import ResNetPlanning
import TestPlans
import Testing

/// The rules of steps with fp16 weights.
@Suite struct HalfStepRuleTests {
  /// Winograd forms wherever there can be one, their weights made by the session or stored.
  private let made, stored: PlanFile
  private let int8, float32: PlanFile

  init() throws {
    func plan(_ transformed: WinogradWeights) throws -> PlanFile {
      PlanFile(
        try TestNetwork.basic.plan(inputSize: 32, weights: .float16) {
          $0.winograd = transformed
          $0.winogradByteLimit = 1 << 30
        })
    }
    made = try plan(.atLoad)
    stored = try plan(.inPlan)
    int8 = PlanFile(try TestNetwork.basic.plan(inputSize: 32))
    float32 = PlanFile(try TestNetwork.basic.plan(inputSize: 32, weights: .float32))
  }

  @Test func thePlansUnderTestAreSound() {
    for file in [made, stored] {
      #expect(planError(file.bytes) == nil)
      #expect(file[StepField.weightFormat, Step.convolution] == 1)
    }
    #expect(made.made > 0)
    #expect(stored.made == 0)
  }

  @Test func formsFitTheirConvolutions() {
    // Another stride, and less scratch memory than the largest form takes, but as much as the stem.
    let rule: StaticString = "a Winograd form that its shape and scratch allow"
    made.expect(step: Step.strided, rule, StepField.algorithm, [AlgorithmCode.winograd4x4])
    stored.expect(step: Step.convolution, rule) { $0.scratch -= 64 }
  }

  @Test func aLayerThatConvertsHasScratchMemoryForItsStripsAndTiles() throws {
    let layer = try TestNetwork.basic.layers(inputSize: 32)[1]
    let mixed = PlanFile(
      try TestNetwork.basic.plan(inputSize: 32, layers: [layer: .float16]) {
        $0.winogradByteLimit = 1 << 30
      })
    #expect(planError(mixed.bytes) == nil)
    #expect(mixed[StepField.algorithm, Step.convolution] != AlgorithmCode.direct)
    mixed.expect(step: Step.convolution, "scratch memory for a strip of rows and its tiles") {
      $0.scratch -= 64
    }
  }

  @Test func formsAreOfWholeBlocksOfChannels() {
    // The image itself, 3 channels, as the input of a convolution of its size.
    made.expect(
      step: Step.convolution, "a Winograd form that its shape and scratch allow"
    ) {
      $0.arena = 1 << 24
      $0.scratch = 1 << 24
      $0[TensorField.last, Step.input] = 9
      $0[StepField.input, Step.convolution] = 0
      $0[TensorField.size, Step.convolution] = 32
    }
  }

  @Test func float32HasNoForm() {
    float32.expect(
      step: Step.convolution, "an arithmetic that its operation has", StepField.algorithm,
      [AlgorithmCode.winograd2x2])
  }

  @Test func transformedWeightsHaveAPlace() {
    for (file, end) in [(stored, stored.constantsByteCount), (made, made.made)] {
      file.expect(
        step: Step.convolution, "transformed weights with a place", StepField.transformed,
        [1, 32, end, end - 64, 1 << 62])
    }
  }

  @Test func storedWinogradWeightsAreTheOnlyOnes() {
    stored.expect(
      step: Step.convolution, "no plain weights beside stored transformed ones", StepField.weights,
      [64])
  }

  @Test func plainWeightsAreWithinTheConstants() {
    let size = made.constantsByteCount
    made.expect(
      step: Step.convolution, "aligned constants within their section", StepField.weights,
      [1, size, size - 64])
  }

  @Test func whatASessionMakesHasNoGaps() {
    let rule: StaticString = "transformed weights behind those of earlier steps"
    made.expect(step: Step.convolution, rule, StepField.transformed, [64])
    made.expect(step: Step.sum, rule, StepField.transformed, [0])
    for (file, size) in [(made, made.made + 64), (made, made.made + 1), (stored, 64)] {
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
      (Step.input, made), (Step.pool, made), (Step.linear, made), (Step.convolution, float32),
      (Step.convolution, int8),
    ] {
      file.expect(
        step: step, "an arithmetic that its operation has", StepField.accumulator, [2])
    }
  }
}
