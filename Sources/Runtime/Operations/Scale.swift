// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

extension Binder {
  func bindScale(_ record: ScaleRecord, _ step: StepRecord) -> BoundOperation {
    let (input, output) = (plan.tensor(step.input), plan.tensor(step.output))
    let residual = step.hasResidual ? plan.tensor(step.residual) : nil
    let multiplier = record.hasGate ? nil : constants(record.multiplier, as: Float.self)
    let offset = constants(record.offset, as: Float.self)
    let slope = record.slopes == .none ? nil : constants(record.slope, as: Float.self)
    let kernel: ScaleKernel
    switch step.arithmetic.activations {
    case .uint8:
      var arguments = rn_scale_q8_args()
      arguments.input = UnsafePointer(rows(input).start.assumingMemoryBound(to: UInt8.self))
      arguments.output = rows(output).start.assumingMemoryBound(to: UInt8.self)
      arguments.input_lower = input.lowerByteDistance
      arguments.output_lower = output.lowerByteDistance
      (arguments.input_row, arguments.output_row) = (input.rowPitch, output.rowPitch)
      (arguments.width, arguments.channels) = (UInt32(output.width), UInt32(output.channels))
      (arguments.multiplier, arguments.offset, arguments.slope) = (multiplier, offset, slope)
      arguments.input_zero = Int32(input.zeroPoint(flip: flip))
      arguments.output_zero = Int32(output.zeroPoint(flip: flip))
      if let residual {
        arguments.residual = UnsafePointer(
          rows(residual).start.assumingMemoryBound(to: UInt8.self))
        arguments.residual_lower = residual.lowerByteDistance
        arguments.residual_row = residual.rowPitch
        arguments.residual_zero = Int32(residual.zeroPoint(flip: flip))
        arguments.residual_multiplier = record.residualFactor
      }
      (arguments.low, arguments.high) = (record.low, record.high)
      kernel = .q8(kernels.scale_q8, arguments)
    case .float32:
      var arguments = rn_scale_f32_args()
      arguments.input = UnsafePointer(rows(input).start.assumingMemoryBound(to: Float.self))
      arguments.output = rows(output).start.assumingMemoryBound(to: Float.self)
      (arguments.input_row, arguments.output_row) = (input.rowPitch, output.rowPitch)
      (arguments.width, arguments.channels) = (UInt32(output.width), UInt32(output.channels))
      (arguments.multiplier, arguments.offset, arguments.slope) = (multiplier, offset, slope)
      if let residual {
        arguments.residual = UnsafePointer(
          rows(residual).start.assumingMemoryBound(to: Float.self))
        arguments.residual_row = residual.rowPitch
      }
      (arguments.low, arguments.high) = (record.low, record.high)
      kernel = .float(kernels.scale_f32, arguments)
    }
    let gate = record.hasGate ? UnsafePointer(values(start: record.gate)) : nil
    return .scale(
      BoundScale(
        scale: kernel, height: output.height, gate: gate, gateFactor: record.gateFactor,
        channels: output.channels))
  }

  /// The first value of a vector.
  private func values(start tensor: Int) -> UnsafeMutablePointer<Float> {
    rows(plan.tensor(tensor)).start.assumingMemoryBound(to: Float.self)
  }
}

/// A kernel that scales channels, with its arguments.
enum ScaleKernel {
  typealias Q8 = @convention(c) (UnsafePointer<rn_scale_q8_args>?, UInt32, UInt32) -> Void
  typealias Float32 = @convention(c) (UnsafePointer<rn_scale_f32_args>?, UInt32, UInt32) -> Void

  case q8(Q8, rn_scale_q8_args)
  case float(Float32, rn_scale_f32_args)

  /// Scales rows by the multipliers of the arguments or, if there are any, by others.
  func callAsFunction(_ rows: Range<Int>, multiplier: UnsafePointer<Float>?) {
    let (first, last) = (UInt32(rows.lowerBound), UInt32(rows.upperBound))
    switch self {
    case .q8(let function, var arguments):
      if let multiplier { arguments.multiplier = multiplier }
      function(&arguments, first, last)
    case .float(let function, var arguments):
      if let multiplier { arguments.multiplier = multiplier }
      function(&arguments, first, last)
    }
  }

  var name: StepKernel {
    switch self {
    case .q8(let function, _): StepKernel(function, slot: "")
    case .float(let function, _): StepKernel(function, slot: "")
    }
  }
}

/// Channels multiplied and shifted; threads share the rows, and each makes the multipliers of a gate for itself.
struct BoundScale {
  let scale: ScaleKernel
  let height: Int
  let gate: UnsafePointer<Float>?
  let gateFactor: Float
  let channels: Int

  func run(_ thread: SessionThread) {
    let rows = thread.share(of: height)
    guard !rows.isEmpty else { return }
    guard let gate else { return scale(rows, multiplier: nil) }
    let multiplier = thread.scratch.assumingMemoryBound(to: Float.self)
    for channel in 0..<channels { multiplier[channel] = gate[channel] * gateFactor }
    scale(rows, multiplier: multiplier)
  }
}
