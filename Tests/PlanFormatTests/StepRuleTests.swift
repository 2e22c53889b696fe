// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import TestPlans
import Testing

/// The steps of the plan under test; each step's tensor has the same number.
enum Step {
  static let input = 0
  static let stem = 1
  /// layer1.0.conv1
  static let convolution = 2
  /// layer1.0.conv2, with the stem's result as its residual
  static let sum = 3
  /// layer2.0.conv1, with stride 2
  static let strided = 6
  static let pool = 9
  static let linear = 10
}

@Suite struct StepRuleTests {
  private let int8: PlanFile
  private let float32: PlanFile

  init() throws {
    int8 = PlanFile(try TestNetwork.basic.plan(inputSize: 32))
    float32 = PlanFile(
      try TestNetwork.basic.plan(inputSize: 32, weights: .float32) { $0.winograd = .off })
  }

  @Test func arithmeticsAreOfTheirOperations() {
    let rule: StaticString = "an arithmetic that its operation has"
    // What an int8 convolution may use is for the session to choose.
    int8.expect(step: Step.convolution, rule, StepField.algorithm, [AlgorithmCode.winograd4x4])
    for step in [Step.input, Step.stem, Step.pool, Step.linear] {
      int8.expect(step: step, rule, StepField.algorithm, [AlgorithmCode.winograd2x2])
      int8.expect(step: step, rule, StepField.accumulator, [2])
    }
    for step in [Step.input, Step.stem, Step.convolution, Step.pool, Step.linear] {
      // fp16 weights of uint8 activations.
      int8.expect(step: step, rule) {
        $0[StepField.activations, step] = 0
        $0[StepField.weightFormat, step] = 1
      }
    }
    // int8 weights of float32 activations are the classifier's alone.
    int8.expect(step: Step.convolution, rule, StepField.activations, [1])
    int8.expect(step: Step.linear, rule, StepField.accumulator, [0])
  }

  @Test func directSumsHaveNoTransformedWeights() {
    let rule: StaticString = "no transformed weights for direct sums"
    int8.expect(step: Step.convolution, rule, StepField.transformedPlace, [1])
    int8.expect(step: Step.convolution, rule, StepField.transformed, [64])
  }

  @Test func codesAreKnown() {
    // Unknown codes, an offset beyond Int, and reserved bytes of header and payloads.
    let codes = [
      StepField.activations, StepField.weightFormat, StepField.accumulator, StepField.algorithm,
    ]
    let reserved = [28, 40, 60, 128, 132, 184, 188].map { (PlanField.step($0), UInt64(1)) }
    for (field, value) in codes.map({ ($0, 6) }) + reserved
      + [(StepField.transformedPlace, 2), (StepField.transformed, .max)]
    {
      // The format of the tensors comes first, and they ask for their producers.
      let rule: StaticString = "a life that starts with the step that writes it"
      int8.expect(.tensor(index: Step.convolution, rule), of: Step.convolution, field, [value])
    }
    for (step, reserved) in [(Step.input, 64), (Step.pool, 68), (Step.linear, 88)] {
      var file = int8
      file[.step(reserved), step] = 1
      #expect(planError(file.bytes) != nil)
    }
    // A step whose output is no tensor's life.
    int8.expect(step: 11, "known codes and zeros in reserved bytes") {
      $0[.steps] += [UInt8](repeating: 255, count: StepField.name.byteCount)
    }
  }

  @Test func namesAreInTheStrings() {
    let end = UInt64(int8[.strings].count)
    for field in [StepField.name, StepField.block] {
      int8.expect(step: Step.convolution, "names within the strings", field, [end, .max])
    }
  }

  @Test func multiplicationsAreBounded() {
    int8.expect(
      step: Step.pool, "at most 2^50 multiplications", StepField.multiplications,
      [(1 << 50) + 1, .max >> 1])
  }

  @Test func everyStepWritesItsOwnTensor() {
    int8.expect(step: 11, "an output whose life starts here") {
      $0[.steps] += $0[.steps].suffix(StepField.name.byteCount)
    }
  }

  @Test func sourcesAreAlive() {
    let rule: StaticString = "sources that were written before and are still live"
    // Itself, a later one, none at all, and one that has died.
    int8.expect(step: Step.convolution, rule, StepField.input, [2, 3, 11, .max])
    int8.expect(step: Step.strided, rule, StepField.input, [0, 2])
    int8.expect(step: Step.sum, rule, StepField.residual, [3, 4, 11, 0])
  }

  @Test func residualsBelongToConvolutions() {
    for (step, residual) in [(Step.stem, 0), (Step.pool, 8), (Step.linear, 9)] as [(Int, UInt64)] {
      int8.expect(
        step: step, "a residual at convolutions and scales only", StepField.residual, [residual])
    }
  }

  @Test func theImageHasItsShape() {
    let rule: StaticString = "an output of the image's size with 3 channels"
    for side in TensorField.size.each { int8.expect(step: Step.input, rule, side, [31]) }
    int8.expect(step: Step.input, rule) {
      $0.arena = 1 << 20
      $0[TensorField.channels, Step.input] = 16
      $0[TensorField.pattern, Step.input] = 0
    }
  }

  @Test func convolutionsFitTheirTensors() {
    let rule: StaticString = "kernel, stride, padding and formats that its tensors have"
    int8.expect(step: Step.convolution, rule, StepField.kernel, [0, 8, .max])
    int8.expect(step: Step.convolution, rule, StepField.stride, [0, 3, .max])
    int8.expect(step: Step.convolution, rule, StepField.padding, [2, .max])
    int8.expect(step: Step.convolution, rule) {
      $0.arena = 1 << 20
      $0[TensorField.format, Step.convolution] = 1
    }
    // A float32 convolution converts, but not a bare image, and not without scratch memory.
    int8.expect(.scratchAsNeeded) { $0.setFloat32(step: Step.convolution) }
    int8.expect(step: Step.stem, rule) { $0.setFloat32(step: Step.stem) }
  }

  @Test(arguments: [Step.stem, Step.convolution])
  func convolutionsAreTheSameInBothDirections(step: Int) {
    let rule: StaticString = "the same kernel, stride and dilation in both directions"
    for side in StepField.dilation.each + StepField.stride.each {
      int8.expect(step: step, rule, side, [0, 3])
    }
    for side in StepField.kernel.each { int8.expect(step: step, rule, side, [1]) }
  }

  @Test func stemsAreDenseAndPaddingDecidesTheShape() {
    int8.expect(
      step: Step.stem,
      "groups of 4, 8 or a multiple of 16 channels, as many of the output as of the input",
      StepField.groups, [0, 2, 16, .max])
    for side in StepField.padding.each {
      int8.expect(
        step: Step.convolution, "an output of the shape that the convolution has", side, [0])
    }
  }

  @Test func outputsHaveTheConvolutionsShape() {
    let rule: StaticString = "an output of the shape that the convolution has"
    int8.expect(step: Step.convolution, rule, StepField.kernel, [2, 7])
    int8.expect(step: Step.convolution, rule, StepField.stride, [2])
    int8.expect(step: Step.convolution, rule, StepField.padding, [0])
    int8.expect(step: Step.stem, rule) {
      $0.scratch *= 2
      $0[StepField.stride, Step.stem] = 1
    }
    for side in TensorField.size.each { int8.expect(step: Step.convolution, rule, side, [7]) }
    int8.expect(step: Step.convolution, "an output in whole blocks of channels") {
      $0[TensorField.channels, Step.convolution] = 3
      $0[TensorField.usedChannels, Step.convolution] = 3
    }
  }

  @Test func theStemIsRectified() {
    let rule: StaticString = "a rectified output with zero point 0"
    int8.expect(step: Step.stem, rule, StepField.low, bits(1, .nan))
    int8.expect(step: Step.stem, rule, TensorField.zeroPoint, [1])
  }

  @Test func theStemHasScratchMemory() {
    // Three rows of 16 + 2 pixels with 16 channels, each rounded up to 64 bytes; float32 rows need
    // no rounding.
    #expect(Int(int8.scratch) == 3 * PlanLayout.aligned(18 * 16))
    #expect(Int(float32.scratch) == 3 * 4 * 18 * 16)
    for file in [int8, float32] {
      for scratch in [0, file.scratch - 1, file.scratch + 1, file.scratch + 64, 1 << 31] as [UInt64]
      {
        file.expect(.scratchAsNeeded) { $0.scratch = scratch }
      }
    }
  }

  @Test func residualsHaveTheOutputsShape() {
    let rule: StaticString = "a residual of the output's shape"
    // Its own input.
    int8.expect(step: Step.sum, rule, StepField.residual, [2])
    // Of another size: layer1.1 lives to the downsample, before layer2.0's sum.
    int8.expect(step: Step.strided, rule, StepField.residual, [5])
    int8.expect(step: Step.sum, rule, StepField.residualFactor, bits(.nan, .infinity))
  }

  @Test func sumsStayWithinInt32() {
    // A stem of 4096 channels makes sums of 36864 products.
    int8.expect(step: Step.convolution, "at most 32768 products in a sum") {
      $0.arena = 1 << 30
      $0.scratch = 1 << 20
      $0[StepField.constants, Step.stem] = $0.constantsByteCount
      $0[.constants] += [UInt8](repeating: 0, count: 1 << 20)
      $0[TensorField.channels, Step.stem] = 4096
    }
    let bias = Int(int8[StepField.bias, Step.convolution])
    let channels = Int(int8[TensorField.channels, Step.convolution])
    let flipped = bias + PlanLayout.aligned(4 * channels)
    for (place, rule, limit) in [
      (bias, "biases below 2^30", 1 << 30),
      (flipped, "biases for int8 inputs below 3 * 2^29", 3 << 29),
    ] as [(Int, StaticString, Int32)] {
      int8.expect(
        .step(index: Step.convolution, rule), .constant(place + 4 * 15),
        [limit, -limit, .min, .max].map { UInt64(UInt32(bitPattern: $0)) })
    }
    var file = int8
    file[.constant(bias), 0] = (1 << 30) - 1
    #expect(planError(file.bytes) == nil)
  }

  @Test func clampsAreWithinAByte() {
    let rule: StaticString = "a clamp within 0 to 255, or to 65535 with lower bytes"
    int8.expect(step: Step.convolution, rule, StepField.low, bits(-1, 256, .nan, -.infinity))
    int8.expect(step: Step.convolution, rule, StepField.high, bits(255.5, -1, .nan, .infinity))
    int8.expect(step: Step.convolution, rule, TensorField.zeroPoint, [1])
    int8.expect(step: Step.sum, rule, StepField.low, bits(-129, 65409, .nan))
    int8.expect(step: Step.sum, rule, StepField.high, bits(65408, -1, .nan))
    int8.expect(step: Step.sum, rule, TensorField.zeroPoint, [1])
  }

  @Test func floatsHaveALowerBoundOf0OrNone() {
    let rule: StaticString = "a lower bound of 0 or none, not above the upper one"
    float32.expect(step: Step.convolution, rule, StepField.low, bits(1, -1, .nan, .infinity))
    float32.expect(step: Step.convolution, rule, StepField.high, bits(-1, -.infinity, .nan))
  }

  @Test func thePoolMakesFeatures() {
    let rule: StaticString = "float32 features of the input's channels"
    int8.expect(step: Step.pool, rule, StepField.averageFactor, bits(.nan, .infinity))
    // Other channels, a border, and bytes.
    for (field, value) in [
      (TensorField.channels, 32), (TensorField.border, 1), (TensorField.format, 0),
    ] as [(PlanField, UInt64)] {
      int8.expect(step: Step.pool, rule) {
        $0.arena = 1 << 20
        $0[field, Step.pool] = value
      }
    }
  }

  @Test func thePoolTakesWholeBlocks() {
    // The image itself, of 3 channels, pooled into 3 features: the kernels work on 16.
    int8.expect(step: Step.pool, "float32 features of the input's channels") {
      $0.arena = 1 << 20
      $0[TensorField.offset, Step.input] = 1 << 18
      $0[TensorField.last, Step.input] = 9
      $0[StepField.input, Step.pool] = 0
      $0[TensorField.channels, Step.pool] = 3
      $0[TensorField.usedChannels, Step.pool] = 3
    }
  }

  @Test func theClassifierTakesAVector() {
    let rule: StaticString = "float32 vectors"
    int8.expect(step: Step.linear, rule) {
      $0[TensorField.last, 8] = 10
      $0[StepField.input, Step.linear] = 8
    }
    int8.expect(step: Step.linear, rule, TensorField.format, [0])
    int8.expect(step: Step.linear, rule) {
      $0[TensorField.channels, Step.linear] = 3
      $0[TensorField.usedChannels, Step.linear] = 3
    }
  }

  @Test func constantsAreInTheirSection() {
    let rule: StaticString = "aligned constants within their section"
    for (step, fields) in [
      (Step.stem, StepField.constants), (Step.convolution, StepField.constants),
      (Step.linear, StepField.linearConstants),
    ] {
      for field in fields.each {
        int8.expect(step: step, rule, field, [1, 32, int8.constantsByteCount, 1 << 62])
      }
      // The last block begins inside and ends outside.
      int8.expect(step: step, rule, fields.each[0], [int8.constantsByteCount - 64])
    }
    int8.expect(step: Step.linear, rule) { $0[.constants].removeLast() }
  }

  @Test func multipliersAreFinite() {
    for (step, field) in [
      (Step.stem, StepField.multiplier), (Step.sum, StepField.multiplier),
      (Step.linear, StepField.linearConstants.each[2]),
    ] {
      int8.expect(
        .step(index: step, "finite multipliers"), .constant(Int(int8[field, step]) + 60),
        bits(.nan, .infinity, -.infinity))
    }
  }
}
