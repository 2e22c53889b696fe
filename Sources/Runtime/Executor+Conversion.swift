// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

// Float32 and fp16 convolutions in an int8 plan: they read and write int8 tensors by strips of rows,
// as StripLayout tells.
extension Executor {
  /// Whether a convolution has a tensor that is not of the format it computes with.
  func converts(_ step: StepRecord, _ output: TensorRecord) -> Bool {
    let format = step.format.activations
    return plan.tensor(step.input).format != format || output.format != format
      || step.hasResidual && plan.tensor(step.residual).format != format
  }

  func runConvertingConvolution(_ step: StepRecord, _ output: TensorRecord, _ thread: Int) {
    let layout = StripLayout(step, input: plan.tensor(step.input), output: output)
    let pairs = (output.channels / PlanLayout.channelBlock + 1) / 2
    // As for other convolutions: by rows, or by output channels where the rows are few.
    let isByRows = output.height >= 7 * threads
    // Rows of tiles stay whole.
    let tile = winograd(of: step)?.tileHeight ?? 1
    let tiles = share(of: (output.height + tile - 1) / tile, thread)
    let rows =
      isByRows
      ? tile * tiles.lowerBound..<min(tile * tiles.upperBound, output.height) : 0..<output.height
    let part = isByRows ? 0..<pairs : share(of: pairs, thread)
    guard !part.isEmpty else { return }
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: layout.rows) {
      let strip = first..<min(first + layout.rows, rows.upperBound)
      convolve(step, output, layout, rows: strip, pairs: part, scratch(thread))
    }
  }

  private func convolve(
    _ step: StepRecord, _ output: TensorRecord, _ layout: StripLayout, rows: Range<Int>,
    pairs: Range<Int>, _ scratch: UnsafeMutableRawPointer
  ) {
    let input = plan.tensor(step.input)
    let channels = 32 * pairs.lowerBound..<min(32 * pairs.upperBound, output.channels)
    var geometry = geometry(step, output)
    geometry.output_height = UInt32(rows.count)

    var source = self.input(of: step, fromRow: rows.lowerBound)
    if input.format == .q8 {
      let columns = input.width + 2 * step.padding
      for row in 0..<(rows.count - 1) * step.stride + step.kernelSize {
        dequantize(
          source + row * input.rowPitch, input, scratch + 4 * row * layout.inputPitch,
          0..<input.channels, pixels: columns)
      }
      source = scratch
      geometry.input_row = layout.inputPitch
      geometry.step_y = step.stride * layout.inputPitch
    }

    let place = pixel(output) + rows.lowerBound * output.rowPitch * output.format.byteCount
    var result = place
    if output.format == .q8 {
      result = scratch + layout.inputByteCount
      geometry.output_row = layout.outputPitch
    }
    let resultRow = 4 * geometry.output_row

    var added: UnsafeRawPointer?
    if let start = residual(of: step, fromRow: rows.lowerBound) {
      let residual = plan.tensor(step.residual)
      if residual.format == .f32 {
        added = UnsafeRawPointer(start)
      } else {
        for row in 0..<rows.count {
          dequantize(
            start + row * residual.rowPitch, residual, result + row * resultRow, channels,
            pixels: output.width)
        }
        added = UnsafeRawPointer(result)
        geometry.residual_row = geometry.output_row
      }
    }
    if let winograd = winograd(of: step) {
      var arguments = halfWinogradArguments(
        step, winograd, geometry, source, result, added, scratch + layout.byteCount)
      let all = Int(geometry.output_blocks + 1) / 2
      let units = Int(rn_winograd_f16_units(&arguments))
      for first in stride(from: 0, to: units, by: all) {
        convolveTiles(
          step, &arguments, first + pairs.lowerBound..<first + pairs.upperBound)
      }
    } else {
      convolveFloats(
        step, geometry, UnsafeRawPointer(source), result, added,
        pairs.lowerBound * rows.count..<pairs.upperBound * rows.count)
    }
    if output.format == .q8 {
      for row in 0..<rows.count {
        quantize(
          result + row * resultRow, output, place + row * output.rowPitch, channels,
          pixels: output.width)
      }
    }
  }

  /// The conversion of some channels of pixels that follow each other.
  private func conversion(
    _ tensor: TensorRecord, _ channels: Range<Int>, _ pixels: Int
  ) -> rn_convert_args {
    rn_convert_args(
      pixels: UInt32(pixels), channels: UInt32(channels.count), stored_pixel: tensor.channels,
      value_pixel: tensor.channels, scale: tensor.scale, zero: Int32(tensor.zeroPoint),
      flip: kernels.activation_flip)
  }

  func dequantize(
    _ stored: UnsafeMutableRawPointer, _ tensor: TensorRecord, _ values: UnsafeMutableRawPointer,
    _ channels: Range<Int>, pixels: Int
  ) {
    var arguments = conversion(tensor, channels, pixels)
    kernels.dequantize(
      &arguments, (stored + channels.lowerBound).assumingMemoryBound(to: UInt8.self),
      (values + 4 * channels.lowerBound).assumingMemoryBound(to: Float.self))
  }

  func quantize(
    _ values: UnsafeMutableRawPointer, _ tensor: TensorRecord, _ stored: UnsafeMutableRawPointer,
    _ channels: Range<Int>, pixels: Int
  ) {
    var arguments = conversion(tensor, channels, pixels)
    kernels.quantize(
      &arguments, (values + 4 * channels.lowerBound).assumingMemoryBound(to: Float.self),
      (stored + channels.lowerBound).assumingMemoryBound(to: UInt8.self))
  }
}
