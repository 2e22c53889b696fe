// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

/// The int8 convolutions of a plan that an exact Winograd form can compute, and the memory that this takes.
///
/// Such a form has the bits of direct sums, so that a session may choose by time alone. It needs int16 weights,
/// which the session makes of the plan's int8 ones, and scratch memory for each thread.
struct ExactForms {
  let plan: PlanView

  /// What decides the time of a convolution; nil if it has no exact form.
  func shape(_ step: StepRecord) -> FormShape? {
    guard case .convolution(let record) = step.operation, step.arithmetic == .int8,
      record.kernelHeight == 3, record.kernelWidth == 3, record.strideY == 1, record.strideX == 1,
      record.isDense
    else { return nil }
    let (input, output) = (plan.tensor(step.input), plan.tensor(step.output))
    guard input.channels % 32 == 0 else { return nil }
    return FormShape(
      height: output.height, width: output.width, inputs: input.channels, outputs: output.channels)
  }

  /// Bytes of scratch memory for each thread that the largest form takes.
  var scratchByteCount: Int {
    var largest = 0
    for index in 0..<plan.stepCount {
      guard let shape = shape(plan.step(index)) else { continue }
      largest = max(
        largest,
        Arithmetic(.uint8, .int8, .int32, .winograd4x4).scratchByteCount(inputs: shape.inputs))
    }
    return largest
  }

  /// Bytes of the weights of all convolutions, each in its largest form.
  var largestByteCount: Int {
    var sum = 0
    for index in 0..<plan.stepCount {
      if let shape = shape(plan.step(index)) { sum += shape.byteCount(.winograd4x4) }
    }
    return sum
  }
}

/// A 3×3 convolution with stride 1: the size of its output, and stored channels.
struct FormShape: Equatable {
  let height, width, inputs, outputs: Int

  /// Bytes of transformed weights, a multiple of the alignment; 0 of direct sums.
  func byteCount(_ form: Arithmetic.Algorithm) -> Int {
    Arithmetic(.uint8, .int8, .int32, form).transformedByteCount(inputs: inputs, outputs: outputs)
  }

  var outputBlocks: UInt32 { UInt32(outputs / PlanLayout.channelBlock) }
}

extension Arithmetic.Algorithm {
  /// What a session chooses from, direct sums first.
  static var exact: InlineArray<4, Arithmetic.Algorithm> {
    [.direct, .winograd2x2, .winograd4x2, .winograd4x4]
  }

  /// The form as reports and tunings name it.
  var name: StaticString {
    switch self {
    case .direct: "direct"
    case .winograd2x2: "2x2"
    case .winograd4x2: "4x2"
    case .winograd4x4: "4x4"
    case .coded2x2: "coded 2x2"
    case .coded4x4: "coded 4x4"
    }
  }
}

/// What a session knows about the forms of a step.
struct StepForms {
  /// What decides the step's time; nil if there are no forms.
  var shape: FormShape?
  /// The first step of the same shape, which is measured for all of them.
  var leader = 0
  /// The greatest magnitude of a sum of these weights; 0 before anybody asked.
  var greatestSum: UInt32 = 0
  /// The form in use.
  var form = Arithmetic.Algorithm.direct
  /// The transformed weights; nil of direct sums.
  var weights: UnsafeRawPointer?
  /// The least CPU time of a run in each form, by raw value; 0 if it was not measured.
  var times = InlineArray<4, Int64>(repeating: 0)

  func time(_ form: Arithmetic.Algorithm) -> Int64 { times[Int(form.rawValue)] }
}
