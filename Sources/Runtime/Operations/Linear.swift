// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

extension Binder {
  func bindLinear(_ record: LinearRecord, _ step: StepRecord) -> BoundOperation {
    let inputs = plan.tensor(step.input).channels
    let features = rows(plan.tensor(step.input))
    let output = plan.tensor(step.output)
    let blocks = UInt32(output.channels / PlanLayout.channelBlock)
    switch step.arithmetic.weights {
    case .int8:
      var arguments = rn_linear_q8_args()
      arguments.features = UnsafePointer(features.start.assumingMemoryBound(to: Float.self))
      arguments.weights = constants(record.weights, as: Int8.self)
      arguments.multiplier = constants(record.multiplier, as: Float.self)
      arguments.bias = constants(record.bias, as: Float.self)
      arguments.logits = rows(output).start.assumingMemoryBound(to: Float.self)
      arguments.inputs = UInt32(inputs)
      arguments.output_blocks = blocks
      return .linear(
        BoundLinear(
          function: kernels.linear_q8, arguments: arguments, low: record.low, high: record.high,
          kernel: StepKernel(kernels.linear_q8!, slot: "linear_q8")))
    case .float16, .float32:
      // A 1×1 convolution of one pixel.
      var geometry = rn_conv_geometry()
      geometry.output_height = 1
      geometry.output_width = 1
      geometry.output_blocks = blocks
      geometry.kernel_rows = 1
      geometry.run = UInt32(inputs)
      var convolution = ConvolutionRecord()
      convolution.weights = record.weights
      convolution.bias = record.bias
      convolution.low = record.low
      convolution.high = record.high
      let sums = ConvolutionSums(
        kernel: .float(
          floatFunction(step.arithmetic), floatArguments(convolution, step.arithmetic)),
        geometry: geometry, strideY: 1, dilationY: 1, input: features, output: rows(output),
        residual: nil)
      return .convolution(BoundConvolution(sums: sums, height: 1, split: .channels))
    }
  }
}

/// A matrix product with int8 weights.
struct BoundLinear {
  let function: @convention(c) (UnsafePointer<rn_linear_q8_args>?, UInt32, UInt32) -> Void
  let arguments: rn_linear_q8_args
  /// The clamp of the results.
  let low, high: Float
  let kernel: StepKernel

  func run(_ thread: SessionThread) {
    var arguments = arguments
    let blocks = thread.share(of: Int(arguments.output_blocks))
    function(&arguments, UInt32(blocks.lowerBound), UInt32(blocks.upperBound))
    guard low > -Float.infinity || high < .infinity else { return }
    let block = PlanLayout.channelBlock
    for index in block * blocks.lowerBound..<block * blocks.upperBound {
      let value = arguments.logits[index]
      let least = value > low ? value : low
      arguments.logits[index] = least < high ? least : high
    }
  }
}
