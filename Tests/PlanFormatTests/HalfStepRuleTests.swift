// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import ResNetPlanning
import TestPlans
import Testing

/// The rules of steps with fp16 weights.
@Suite struct HalfStepRuleTests {
  private static let input = 0
  private static let stem = 1
  /// layer1.0.conv1 and conv2, 3×3 with stride 1 and 16 channels.
  private static let convolution = 2
  private static let sum = 3
  private static let pool = 9
  private static let linear = 10

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
      let place = Self.convolution * StepField.byteCount
      #expect(file[.steps][place + StepField.weightFormat] == 1)
      #expect(file[.steps].number(at: place + StepField.levels, count: 8) == .max)
    }
    #expect(made.made > 0)
    #expect(stored.made == 0)
  }

  @Test func formsAreForAllLevels() {
    let rule: StaticString = "an fp16 Winograd form of whole blocks, for all levels"
    for levels in [0, 1, .max >> 1] as [UInt64] {
      expectStepError(Self.convolution, rule, in: stored) {
        $0.set64(.steps, $1 + StepField.levels, levels)
      }
    }
  }

  @Test func aLayerThatConvertsHasScratchMemoryForItsStripsAndTiles() throws {
    let layer = try TestNetwork.basic.layers(inputSize: 32)[1]
    var mixed = PlanFile(
      try TestNetwork.basic.plan(inputSize: 32, layers: [layer: .float16]) {
        $0.winogradByteLimit = 1 << 30
      })
    #expect(planError(mixed.bytes) == nil)
    let place = Self.convolution * StepField.byteCount
    #expect(mixed[.steps][place + StepField.algorithm] != AlgorithmCode.direct)
    mixed.scratch -= 64
    expectStepError(
      Self.convolution, "scratch memory for a strip of rows and its tiles", in: mixed
    ) { _, _ in }
  }

  @Test func formsAreOfWholeBlocksOfChannels() {
    // The image itself, 3 channels, as the input of a convolution of its size.
    expectStepError(
      Self.convolution, "an fp16 Winograd form of whole blocks, for all levels", in: made
    ) {
      file, _ in
      file.arena = 1 << 24
      file.scratch = 1 << 24
      file.set(.tensors, 48, 9)
      file.set(step: Self.convolution, StepField.input, 0)
      for size in [8, 12] { file.set(.tensors, 2 * 64 + size, 32) }
    }
  }

  @Test func float32HasNoForm() {
    expectStepError(Self.convolution, "an arithmetic that its operation has", in: float32) {
      $0.set(.steps, $1 + StepField.algorithm, byte: AlgorithmCode.winograd2x2)
    }
  }

  @Test func int8StoresItsWinogradWeights() {
    var file = int8
    file.scratch = 1 << 20
    for place in [0, 1] as [UInt32] {
      expectStepError(
        Self.convolution, "transformed int8 weights that its constants hold", in: file
      ) {
        $0.set(.steps, $1 + StepField.algorithm, byte: AlgorithmCode.winograd2x2)
        $0.set(step: Self.convolution, StepField.transformedPlace, place)
      }
    }
  }

  @Test func transformedWeightsHaveAPlace() {
    let rule: StaticString = "transformed fp16 weights with a place"
    let size = UInt64((stored[.constants].count + 63) / 64 * 64)
    for (file, end) in [(stored, size), (made, made.made)] {
      for offset in [1, 32, end, end - 64, 1 << 62] as [UInt64] {
        expectStepError(Self.convolution, rule, in: file) {
          $0.set64(.steps, $1 + StepField.transformed, offset)
        }
      }
    }
  }

  @Test func storedWinogradWeightsAreTheOnlyOnes() {
    expectStepError(Self.convolution, "no plain weights beside stored transformed ones", in: stored)
    {
      $0.set64(.steps, $1 + StepField.weights, 64)
    }
  }

  @Test func plainWeightsAreWithinTheConstants() {
    let size = UInt64((made[.constants].count + 63) / 64 * 64)
    for offset in [1, size, size - 64] as [UInt64] {
      expectStepError(Self.convolution, "aligned constants within their section", in: made) {
        $0.set64(.steps, $1 + StepField.weights, offset)
      }
    }
  }

  @Test func whatASessionMakesHasNoGaps() {
    let rule: StaticString = "transformed weights behind those of earlier steps"
    expectStepError(Self.convolution, rule, in: made) {
      $0.set64(.steps, $1 + StepField.transformed, 64)
    }
    expectStepError(Self.sum, rule, in: made) { $0.set64(.steps, $1 + StepField.transformed, 0) }
    for (file, size) in [
      (made, made.made + 64), (made, made.made + 1), (stored, 64),
    ] {
      expectError(
        .section(.steps, "as many bytes of transformed weights as the header says"), in: file
      ) { $0.made = size }
    }
  }

  @Test func halfSumsAreOfConvolutionsWithHalfWeights() {
    var file = made
    for step in Self.stem..<Self.pool {
      file.set(.steps, step * StepField.byteCount + StepField.accumulator, byte: 2)
    }
    #expect(planError(file.bytes) == nil)
    let rule: StaticString = "an arithmetic that its operation has"
    for (step, file) in [
      (Self.input, made), (Self.pool, made), (Self.linear, made), (Self.convolution, float32),
      (Self.convolution, int8),
    ] {
      expectStepError(step, rule, in: file) {
        $0.set(.steps, $1 + StepField.accumulator, byte: 2)
      }
    }
  }
}
