// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import TestPlans
import Testing

/// The steps of the plan under test; each step's tensor has the same number.
private enum Step {
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
    float32 = PlanFile(try TestNetwork.basic.plan(inputSize: 32, weights: .float32))
  }

  /// Expects an error at a step of the changed file; `change` is given where its record starts.
  private func expect(
    _ step: Int, _ rule: StaticString, isFloat32: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout PlanFile, Int) -> Void
  ) {
    expectStepError(
      step, rule, in: isFloat32 ? float32 : int8, sourceLocation: sourceLocation, change)
  }

  private func expect(
    _ step: Int, _ rule: StaticString, at field: [Int], _ values: [UInt32],
    isFloat32: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for value in values {
      expect(step, rule, isFloat32: isFloat32, sourceLocation: sourceLocation) { file, _ in
        file.set(step: step, field, value)
      }
    }
  }

  @Test func winogradFormsFitTheirConvolutions() {
    // A network without the scratch memory, and another stride.
    for step in [Step.convolution, Step.strided] {
      expect(step, "a Winograd form that its shape and scratch allow") {
        $0.set(.steps, $1 + StepField.algorithm, byte: AlgorithmCode.winograd4x4)
      }
    }
  }

  @Test func arithmeticsAreOfTheirOperations() {
    let rule: StaticString = "an arithmetic that its operation has"
    for step in [Step.input, Step.stem, Step.pool, Step.linear] {
      expect(step, rule) {
        $0.set(.steps, $1 + StepField.algorithm, byte: AlgorithmCode.winograd2x2)
      }
      expect(step, rule) { $0.set(.steps, $1 + StepField.accumulator, byte: 2) }
    }
    for step in [Step.input, Step.stem, Step.convolution, Step.pool, Step.linear] {
      // fp16 weights of uint8 activations.
      expect(step, rule) {
        $0.set(.steps, $1 + StepField.activations, byte: 0)
        $0.set(.steps, $1 + StepField.weightFormat, byte: 1)
      }
    }
    // int8 weights of float32 activations are the classifier's alone.
    expect(Step.convolution, rule) { $0.set(.steps, $1 + StepField.activations, byte: 1) }
    expect(Step.linear, rule) { $0.set(.steps, $1 + StepField.accumulator, byte: 0) }
  }

  @Test func directSumsHaveNoTransformedWeights() {
    let rule: StaticString = "no transformed weights for direct sums"
    expect(Step.convolution, rule, at: StepField.transformedPlace, [1])
    for field in [StepField.levels, StepField.transformed] {
      expect(Step.convolution, rule) { $0.set64(.steps, $1 + field, 64) }
    }
  }

  @Test func codesAreKnown() {
    let fields = [
      StepField.activations, StepField.weightFormat, StepField.accumulator, StepField.algorithm,
    ]
    // Unknown codes, an offset beyond Int, and reserved bytes of header and payloads.
    var changes = fields.map { ($0, 4) as (Int, UInt32) }
    changes += [(StepField.transformedPlace[0], 2), (StepField.transformed + 4, .max)]
    changes += [28, 40, 60, 124, 168, 188].map { ($0, 1) }
    for (offset, value) in changes {
      // The format of the tensors comes first, and they ask for their producers.
      let rule: StaticString = "a life that starts with the step that writes it"
      expectError(.tensor(index: Step.convolution, rule), in: int8) {
        let place = Step.convolution * StepField.byteCount + offset
        if fields.contains(offset) {
          $0.set(.steps, place, byte: UInt8(value))
        } else {
          $0.set(.steps, place, value)
        }
      }
    }
    for (step, reserved) in [(Step.input, 64), (Step.pool, 68), (Step.linear, 88)] {
      var file = int8
      file.set(step: step, [reserved], 1)
      #expect(planError(file.bytes) != nil)
    }
    // A step whose output is no tensor's life.
    expect(11, "known codes and zeros in reserved bytes") { file, _ in
      file[.steps] += [UInt8](repeating: 255, count: StepField.byteCount)
    }
  }

  @Test func namesAreInTheStrings() {
    let end = UInt32(int8[.strings].count)
    for field in [StepField.name, StepField.block] {
      expect(Step.convolution, "names within the strings", at: field, [end, .max])
    }
  }

  @Test func multiplicationsAreBounded() {
    for value in [(1 << 50) + 1, UInt64(Int64.max)] as [UInt64] {
      expect(Step.pool, "at most 2^50 multiplications") {
        $0.set64(.steps, $1 + StepField.multiplications, value)
      }
    }
  }

  @Test func everyStepWritesItsOwnTensor() {
    expect(11, "an output whose life starts here") { file, _ in
      file[.steps] += file[.steps][10 * StepField.byteCount..<11 * StepField.byteCount]
    }
  }

  @Test func sourcesAreAlive() {
    let rule: StaticString = "sources that were written before and are still live"
    // Itself, a later one, none at all, and one that has died.
    expect(Step.convolution, rule, at: StepField.input, [2, 3, 11, .max])
    expect(Step.strided, rule, at: StepField.input, [0, 2])
    expect(Step.sum, rule, at: StepField.residual, [3, 4, 11, 0])
  }

  @Test func residualsBelongToConvolutions() {
    let rule: StaticString = "a residual at convolutions only"
    expect(Step.stem, rule, at: StepField.residual, [0])
    expect(Step.pool, rule, at: StepField.residual, [8])
    expect(Step.linear, rule, at: StepField.residual, [9])
  }

  @Test func theImageHasItsShape() {
    let rule: StaticString = "an output of the image's size with 3 channels"
    for offset in [8, 12] { expect(Step.input, rule) { file, _ in file.set(.tensors, offset, 31) } }
    expect(Step.input, rule) { file, _ in
      file.arena = 1 << 20
      file.set(.tensors, 16, 16)
      file.set(.tensors, 40, 0)
    }
  }

  @Test func convolutionsFitTheirTensors() {
    let rule: StaticString = "kernel, stride, padding and formats that its tensors have"
    expect(Step.convolution, rule, at: StepField.kernel, [0, 8, .max])
    expect(Step.convolution, rule, at: StepField.stride, [0, 3, .max])
    expect(Step.convolution, rule, at: StepField.padding, [2, .max])
    expect(Step.convolution, rule) { file, _ in
      file.arena = 1 << 20
      file.set(.tensors, 2 * 64 + 28, 1)
    }
    // A float32 convolution converts, but not a bare image, and not without scratch memory.
    for (step, rule) in [
      (Step.convolution, "scratch memory for a strip of rows and its tiles"), (Step.stem, rule),
    ] {
      expect(step, rule) { file, place in
        file.set(.steps, place + StepField.activations, byte: 1)
        file.set(.steps, place + StepField.weightFormat, byte: 2)
        file.set(.steps, place + StepField.accumulator, byte: 1)
      }
    }
  }

  @Test func convolutionsAreTheSameAllAround() {
    let rule: StaticString =
      "one group, no dilation, and the same kernel, stride and padding all around"
    for step in [Step.stem, Step.convolution] {
      expect(step, rule, at: StepField.groups, [0, 2, 16, .max])
      for side in StepField.dilation + StepField.stride { expect(step, rule, at: [side], [0, 3]) }
      for side in StepField.kernel { expect(step, rule, at: [side], [1]) }
      for side in StepField.padding { expect(step, rule, at: [side], [0]) }
    }
  }

  @Test func outputsHaveTheConvolutionsShape() {
    let rule: StaticString = "an output of the shape that the convolution has"
    expect(Step.convolution, rule, at: StepField.kernel, [1, 2, 7])
    expect(Step.convolution, rule, at: StepField.stride, [2])
    expect(Step.convolution, rule, at: StepField.padding, [0])
    expect(Step.stem, rule) { file, _ in
      file.scratch *= 2
      file.set(step: Step.stem, StepField.stride, 1)
    }
    for offset in [8, 12] {
      expect(Step.convolution, rule) { file, _ in file.set(.tensors, 2 * 64 + offset, 7) }
    }
    expect(Step.convolution, "an output in whole blocks of channels") { file, _ in
      file.set(.tensors, 2 * 64 + 16, 3)
      file.set(.tensors, 2 * 64 + 20, 3)
    }
  }

  @Test func theStemIsRectified() {
    let rule: StaticString = "a rectified output with zero point 0"
    expect(Step.stem, rule, at: StepField.low, [Float(1).bitPattern, Float.nan.bitPattern])
    expect(Step.stem, rule) { file, _ in file.set(.tensors, 64 + 36, 1) }
  }

  @Test func theStemHasScratchMemory() {
    // Three rows of 16 + 2 pixels with 16 channels, each rounded up to 64 bytes.
    let row = UInt64((18 * 16 + 63) / 64 * 64)
    #expect(int8.scratch == row * 3)
    expect(Step.stem, "scratch memory for its rows") { file, _ in file.scratch = row * 3 - 1 }
    // float32, whose rows need no rounding.
    #expect(float32.scratch == 18 * 16 * 4 * 3)
    expect(Step.stem, "scratch memory for its rows", isFloat32: true) { file, _ in
      file.scratch -= 1
    }
  }

  @Test func residualsHaveTheOutputsShape() {
    let rule: StaticString = "a residual of the output's shape"
    // Its own input.
    expect(Step.sum, rule, at: StepField.residual, [2])
    // Of another size: layer1.1 lives to the downsample, before layer2.0's sum.
    expect(Step.strided, rule, at: StepField.residual, [5])
    expect(
      Step.sum, rule, at: StepField.residualFactor, [Float.nan, .infinity].map(\.bitPattern))
  }

  @Test func sumsStayWithinInt32() {
    // A stem of 4096 channels makes sums of 36864 products.
    expect(Step.convolution, "at most 32768 products in a sum") { file, _ in
      file.arena = 1 << 30
      file.scratch = 1 << 20
      let zeros = UInt64((file[.constants].count + 63) / 64 * 64)
      file[.constants] += [UInt8](repeating: 0, count: 1 << 20)
      for constants in [StepField.weights, StepField.bias, StepField.multiplier] {
        file.set64(.steps, Step.stem * StepField.byteCount + constants, zeros)
      }
      file.set(.tensors, 64 + 16, 4096)
    }
    let rule: StaticString = "biases below 2^30"
    let bias = Int(
      int8[.steps].number(
        at: Step.convolution * StepField.byteCount + StepField.bias, count: 8))
    for value in [Int32(1 << 30), -(1 << 30), .min, .max] {
      expect(Step.convolution, rule) { file, _ in
        file.set(.constants, bias + 4 * 15, UInt32(bitPattern: value))
      }
    }
    let channels = Int(int8[.tensors].number(at: 2 * 64 + 16, count: 4))
    let flipped = bias + PlanLayout.aligned(4 * channels)
    for value in [Int32(3 << 29), -(3 << 29), .min, .max] {
      expect(Step.convolution, "biases for int8 inputs below 3 * 2^29") { file, _ in
        file.set(.constants, flipped + 4 * 15, UInt32(bitPattern: value))
      }
    }
    var file = int8
    file.set(.constants, bias, UInt32((1 << 30) - 1))
    #expect(planError(file.bytes) == nil)
  }

  @Test func clampsAreWithinAByte() {
    let rule: StaticString = "a clamp within 0 to 255"
    expect(
      Step.convolution, rule, at: StepField.low,
      [Float(-1), 256, .nan, -.infinity].map(\.bitPattern))
    expect(
      Step.convolution, rule, at: StepField.high,
      [Float(255.5), -1, .nan, .infinity].map(\.bitPattern))
    expect(Step.convolution, rule) { file, _ in file.set(.tensors, 2 * 64 + 36, 1) }
  }

  @Test func floatsHaveALowerBoundOf0OrNone() {
    let rule: StaticString = "a lower bound of 0 or none, not above the upper one"
    expect(
      Step.convolution, rule, at: StepField.low,
      [Float(1), -1, .nan, .infinity].map(\.bitPattern), isFloat32: true)
    expect(
      Step.convolution, rule, at: StepField.high, [Float(-1), -.infinity, .nan].map(\.bitPattern),
      isFloat32: true)
  }

  @Test func thePoolMakesFeatures() {
    let rule: StaticString = "float32 features of the input's channels"
    expect(Step.pool, rule, at: StepField.averageFactor, [Float.nan, .infinity].map(\.bitPattern))
    // A zero point that the mean would not take away.
    expect(Step.pool, rule) { file, _ in
      file.set(step: 8, StepField.high, Float(252).bitPattern)
      file.set(.tensors, 8 * 64 + 36, 3)
    }
    // Other channels, a border, and bytes.
    for (field, value) in [(16, 32), (24, 1), (28, 0)] as [(Int, UInt32)] {
      expect(Step.pool, rule) { file, _ in
        file.arena = 1 << 20
        file.set(.tensors, 9 * 64 + field, value)
      }
    }
  }

  @Test func thePoolTakesWholeBlocks() {
    // The image itself, of 3 channels, pooled into 3 features: the kernels work on 16.
    expect(Step.pool, "float32 features of the input's channels") { file, _ in
      file.arena = 1 << 20
      file.set64(.tensors, 0, 1 << 18)
      file.set(.tensors, 48, 9)
      file.set(step: Step.pool, StepField.input, 0)
      file.set(.tensors, 9 * 64 + 16, 3)
      file.set(.tensors, 9 * 64 + 20, 3)
    }
  }

  @Test func theClassifierTakesAVector() {
    let rule: StaticString = "float32 vectors"
    expect(Step.linear, rule) { file, _ in
      file.set(.tensors, 8 * 64 + 48, 10)
      file.set(step: Step.linear, StepField.input, 8)
    }
    expect(Step.linear, rule) { file, _ in file.set(.tensors, 10 * 64 + 28, 0) }
    expect(Step.linear, rule) { file, _ in
      file.set(.tensors, 10 * 64 + 16, 3)
      file.set(.tensors, 10 * 64 + 20, 3)
    }
  }

  @Test func constantsAreInTheirSection() {
    let rule: StaticString = "aligned constants within their section"
    let size = UInt64(int8[.constants].count)
    let convolution = [StepField.weights, StepField.bias, StepField.multiplier]
    for (step, fields) in [
      (Step.stem, convolution), (Step.convolution, convolution),
      (Step.linear, StepField.linearConstants),
    ] {
      for field in fields {
        for value in [1, 32, (size + 63) / 64 * 64, 1 << 62] as [UInt64] {
          expect(step, rule) { $0.set64(.steps, $1 + field, value) }
        }
      }
      // The last block begins inside and ends outside.
      expect(step, rule) { $0.set64(.steps, $1 + fields[0], size / 64 * 64 - 64) }
    }
    expect(Step.linear, rule) { file, _ in file[.constants].removeLast() }
  }

  @Test func multipliersAreFinite() {
    for (step, field) in [
      (Step.stem, StepField.multiplier), (Step.sum, StepField.multiplier),
      (Step.linear, StepField.linearConstants[2]),
    ] {
      let place = Int(int8[.steps].number(at: step * StepField.byteCount + field, count: 8))
      for value in [Float.nan, .infinity, -.infinity] {
        expect(step, "finite multipliers") { file, _ in file.setFloat(.constants, place + 60, value)
        }
      }
    }
  }
}
