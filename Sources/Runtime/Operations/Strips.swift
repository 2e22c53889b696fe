// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

// Convolutions with float32 activations that read and write uint8 tensors by strips of rows, as
// StripLayout tells.
extension Binder {
  /// Whether a convolution has a tensor that is not of the format it computes with.
  func converts(_ step: StepRecord) -> Bool {
    conversion(step.input, step) != nil || conversion(step.output, step) != nil
      || step.hasResidual && conversion(step.residual, step) != nil
  }

  func bindStrips(
    _ record: ConvolutionRecord, _ step: StepRecord, _ sums: ConvolutionSums
  ) -> BoundOperation {
    let input = plan.tensor(step.input)
    let output = plan.tensor(step.output)
    return .strips(
      BoundStrips(
        sums: sums,
        layout: StripLayout(record, step.arithmetic, input: input, output: output),
        split: split(height: output.height), kernelHeight: record.reachHeight,
        inputWidth: input.width + record.paddingLeft + record.paddingRight,
        inputChannels: input.channels, height: output.height, width: output.width,
        channels: output.channels, input: conversion(step.input, step),
        output: conversion(step.output, step),
        residual: step.hasResidual ? conversion(step.residual, step) : nil))
  }

  /// The conversion between a tensor and what a step computes with; nil if they are of one format.
  func conversion(_ tensor: Int, _ step: StepRecord) -> Conversion? {
    let tensor = plan.tensor(tensor)
    guard tensor.format != step.arithmetic.activations else { return nil }
    var arguments = rn_convert_args()
    arguments.stored_pixel = tensor.channels
    arguments.value_pixel = tensor.channels
    arguments.scale = tensor.scale
    arguments.zero = Int32(tensor.zeroPoint)
    arguments.flip = kernels.activation_flip
    return Conversion(
      toFloats: kernels.dequantize, toBytes: kernels.quantize, arguments: arguments)
  }
}

/// Between the bytes of a tensor and float32 values.
struct Conversion {
  typealias ToFloats =
    @convention(c) (
      UnsafePointer<rn_convert_args>?, UnsafePointer<UInt8>?, UnsafeMutablePointer<Float>?
    ) -> Void
  typealias ToBytes =
    @convention(c) (
      UnsafePointer<rn_convert_args>?, UnsafePointer<Float>?, UnsafeMutablePointer<UInt8>?
    ) -> Void

  let toFloats: ToFloats
  let toBytes: ToBytes
  let arguments: rn_convert_args

  /// Converts some channels of pixels that follow each other.
  func dequantize(
    _ stored: UnsafeMutableRawPointer, _ values: UnsafeMutableRawPointer, _ channels: Range<Int>,
    pixels: Int
  ) {
    var arguments = arguments(channels, pixels)
    toFloats(
      &arguments, (stored + channels.lowerBound).assumingMemoryBound(to: UInt8.self),
      (values + 4 * channels.lowerBound).assumingMemoryBound(to: Float.self))
  }

  /// Converts some channels of pixels that follow each other.
  func quantize(
    _ values: UnsafeMutableRawPointer, _ stored: UnsafeMutableRawPointer, _ channels: Range<Int>,
    pixels: Int
  ) {
    var arguments = arguments(channels, pixels)
    toBytes(
      &arguments, (values + 4 * channels.lowerBound).assumingMemoryBound(to: Float.self),
      (stored + channels.lowerBound).assumingMemoryBound(to: UInt8.self))
  }

  private func arguments(_ channels: Range<Int>, _ pixels: Int) -> rn_convert_args {
    var arguments = arguments
    arguments.pixels = UInt32(pixels)
    arguments.channels = UInt32(channels.count)
    return arguments
  }
}

/// A convolution that converts.
struct BoundStrips {
  let sums: ConvolutionSums
  let layout: StripLayout
  let split: Split
  /// Of the kernel, gaps included.
  let kernelHeight: Int
  let inputWidth, inputChannels: Int
  /// Of the output.
  let height, width, channels: Int
  let input, output, residual: Conversion?

  private var pairs: Int { (Int(sums.geometry.output_blocks) + 1) / 2 }

  func run(_ thread: SessionThread) {
    let rows: Range<Int>
    let part: Range<Int>
    switch split {
    case .channels:
      rows = 0..<height
      part = thread.share(of: pairs)
    case .rows:
      // Rows of tiles stay whole.
      let tile = sums.kernel.algorithm.tileHeight
      let tiles = thread.share(of: (height + tile - 1) / tile)
      rows = tile * tiles.lowerBound..<min(tile * tiles.upperBound, height)
      part = 0..<pairs
    }
    guard !part.isEmpty else { return }
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: layout.rows) {
      convolve(first..<min(first + layout.rows, rows.upperBound), part, thread.scratch)
    }
  }

  private func convolve(
    _ rows: Range<Int>, _ part: Range<Int>, _ scratch: UnsafeMutableRawPointer
  ) {
    let channels = 32 * part.lowerBound..<min(32 * part.upperBound, channels)
    var place = sums.place(fromRow: rows.lowerBound)
    place.geometry.output_height = UInt32(rows.count)
    if let input {
      for row in 0..<(rows.count - 1) * sums.strideY + kernelHeight {
        input.dequantize(
          sums.input[rows.lowerBound * sums.strideY + row], scratch + 4 * row * layout.inputPitch,
          0..<inputChannels, pixels: inputWidth)
      }
      place.input = scratch
      place.geometry.input_row = sums.dilationY * layout.inputPitch
      place.geometry.step_y = sums.strideY * layout.inputPitch
    }
    if output != nil {
      place.output = scratch + layout.inputByteCount
      place.geometry.output_row = layout.outputPitch
    }
    let result = TensorRows(start: place.output, pitch: 4 * place.geometry.output_row)
    if let residual, let stored = sums.residual {
      for row in rows {
        residual.dequantize(
          stored[row], result[row - rows.lowerBound], channels, pixels: width)
      }
      place.residual = place.output
      place.geometry.residual_row = place.geometry.output_row
    }
    // Direct units go through the rows of a pair of channel blocks, those of tiles through all pairs.
    if sums.kernel.algorithm == .direct {
      sums.kernel(
        place, scratch: scratch, part.lowerBound * rows.count..<part.upperBound * rows.count)
    } else {
      let units = sums.kernel.units(place.geometry)
      for first in stride(from: 0, to: units, by: pairs) {
        sums.kernel(
          place, scratch: scratch + layout.byteCount,
          first + part.lowerBound..<first + part.upperBound)
      }
    }
    if let output {
      for row in rows {
        output.quantize(result[row - rows.lowerBound], sums.output[row], channels, pixels: width)
      }
    }
  }
}
