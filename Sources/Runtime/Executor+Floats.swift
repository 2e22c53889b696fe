// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

// Convolutions whose activations are float32, with weights in float32 or fp16.
extension Executor {
  /// Convolves units of float32 pixels.
  func convolveFloats(
    _ step: StepRecord, _ geometry: rn_conv_geometry, _ input: UnsafeRawPointer,
    _ output: UnsafeMutableRawPointer, _ residual: UnsafeRawPointer?, _ units: Range<Int>
  ) {
    var arguments = floatArguments(step, geometry, input, output, residual)
    if step.format == .f16 {
      let kernel = step.hasHalfSums ? kernels.conv_f16acc16 : kernels.conv_f16
      kernel!(&arguments, UInt32(units.lowerBound), UInt32(units.upperBound))
      return
    }
    kernels.conv_f32(&arguments, UInt32(units.lowerBound), UInt32(units.upperBound))
  }

  /// Runs a Winograd convolution with fp16 weights.
  func runHalfWinograd(
    _ step: StepRecord, _ winograd: WinogradRecord, _ geometry: rn_conv_geometry,
    _ output: TensorRecord, _ thread: Int
  ) {
    var arguments = halfWinogradArguments(
      step, winograd, geometry, input(of: step), pixel(output),
      UnsafeRawPointer(residual(of: step)), scratch(thread))
    convolveTiles(
      step, &arguments, share(of: Int(rn_winograd_f16_units(&arguments)), thread))
  }

  func convolveTiles(
    _ step: StepRecord, _ arguments: inout rn_winograd_float_args, _ units: Range<Int>
  ) {
    let kernel = step.hasHalfSums ? kernels.winograd_f16acc16 : kernels.winograd_f16
    kernel!(&arguments, UInt32(units.lowerBound), UInt32(units.upperBound))
  }

  func halfWinogradArguments(
    _ step: StepRecord, _ winograd: WinogradRecord, _ geometry: rn_conv_geometry,
    _ input: UnsafeRawPointer, _ output: UnsafeMutableRawPointer, _ residual: UnsafeRawPointer?,
    _ scratch: UnsafeMutableRawPointer
  ) -> rn_winograd_float_args {
    var arguments = rn_winograd_float_args()
    arguments.conv = floatArguments(step, geometry, input, output, residual)
    let stored = UnsafeRawPointer(plan.constants.baseAddress!) + winograd.weights
    arguments.weights =
      winograd.isMadeBySession
      ? UnsafePointer(madeWeights(winograd)) : stored.assumingMemoryBound(to: UInt16.self)
    arguments.tile_height = UInt32(winograd.tileHeight)
    arguments.tile_width = UInt32(winograd.tileWidth)
    arguments.scratch = scratch
    return arguments
  }

  /// Makes the transformed weights of a step if they are not in the plan, and tells whether it did.
  func makeWeights(ofStep index: Int) -> Bool {
    let step = plan.step(index)
    guard let winograd = step.winograd, winograd.isMadeBySession else { return false }
    let weights = plan.constants.baseAddress! + step.weights
    rn_winograd_f16_weights(
      UInt32(winograd.tileHeight), UInt32(winograd.tileWidth),
      weights.assumingMemoryBound(to: UInt16.self),
      UInt32(plan.tensor(step.output).channels / PlanLayout.channelBlock),
      UInt32(plan.tensor(step.input).channels), madeWeights(winograd))
    return true
  }

  private func madeWeights(_ winograd: WinogradRecord) -> UnsafeMutablePointer<UInt16> {
    (madeWeights + winograd.weights).assumingMemoryBound(to: UInt16.self)
  }

  private func floatArguments(
    _ step: StepRecord, _ geometry: rn_conv_geometry, _ input: UnsafeRawPointer,
    _ output: UnsafeMutableRawPointer, _ residual: UnsafeRawPointer?
  ) -> rn_conv_float_args {
    let constants = plan.constants.baseAddress!
    var arguments = rn_conv_float_args()
    arguments.geometry = geometry
    arguments.input = input.assumingMemoryBound(to: Float.self)
    arguments.weights = UnsafeRawPointer(constants + step.weights)
    arguments.bias = (constants + step.bias).assumingMemoryBound(to: Float.self)
    arguments.output = output.assumingMemoryBound(to: Float.self)
    arguments.residual = residual?.assumingMemoryBound(to: Float.self)
    arguments.low = step.low
    arguments.high = .infinity
    return arguments
  }
}
