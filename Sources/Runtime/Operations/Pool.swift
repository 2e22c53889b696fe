// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

extension Binder {
  func bindPool(_ record: PoolRecord, _ step: StepRecord) -> BoundOperation {
    let input = plan.tensor(step.input)
    let output = plan.tensor(step.output)
    var arguments = rn_window_args()
    arguments.input = UnsafeRawPointer(rows(input).start)
    arguments.output = rows(output).start
    arguments.input_row = input.rowPitch
    arguments.output_row = output.rowPitch
    arguments.input_height = UInt32(input.height)
    arguments.input_width = UInt32(input.width)
    arguments.output_height = UInt32(output.height)
    arguments.output_width = UInt32(output.width)
    arguments.channels = UInt32(input.channels)
    arguments.kernel_height = UInt32(record.kernelHeight)
    arguments.kernel_width = UInt32(record.kernelWidth)
    arguments.stride_y = UInt32(record.strideY)
    arguments.stride_x = UInt32(record.strideX)
    arguments.padding_top = UInt32(record.paddingTop)
    arguments.padding_left = UInt32(record.paddingLeft)
    arguments.counts_padding = record.reduction == .paddedMean ? 1 : 0
    arguments.flip = kernels.activation_flip
    arguments.input_zero = Int32(input.zeroPoint)
    arguments.output_zero = Int32(output.zeroPoint)
    arguments.multiplier = Float(Double(input.scale) / Double(output.scale))
    let function =
      switch (record.reduction, step.arithmetic.activations) {
      case (.maximum, .uint8): kernels.windowmax_q8!
      case (.maximum, .float32): kernels.windowmax_f32!
      case (.blur, .uint8): kernels.windowblur_q8!
      case (.blur, .float32): kernels.windowblur_f32!
      case (.mean, .uint8), (.paddedMean, .uint8): kernels.windowavg_q8!
      case (.mean, .float32), (.paddedMean, .float32): kernels.windowavg_f32!
      }
    return .pool(
      BoundPool(
        function: function, arguments: arguments, kernel: StepKernel(function, slot: "")))
  }
}

/// The greatest or the mean of windows; threads share the output's rows.
struct BoundPool {
  let function: @convention(c) (UnsafePointer<rn_window_args>?, UInt32, UInt32) -> Void
  let arguments: rn_window_args
  let kernel: StepKernel

  func run(_ thread: SessionThread) {
    var arguments = arguments
    let rows = thread.share(of: Int(arguments.output_height))
    function(&arguments, UInt32(rows.lowerBound), UInt32(rows.upperBound))
  }
}
