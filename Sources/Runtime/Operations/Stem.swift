// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import CResNetPlatform
import ResNetPlanFormat

extension Binder {
  func bindStem(_ record: ConvolutionRecord, _ step: StepRecord) -> BoundOperation {
    let input = plan.tensor(step.input)
    let output = plan.tensor(step.output)
    let (height, width) = (record.outputHeight(input), record.outputWidth(input))
    let pixelBytes = output.channels * step.arithmetic.activations.byteCount
    var sums = sums(record, step)
    // A row at a time, of all output channels.
    sums.geometry.output_height = 1
    sums.geometry.output_width = UInt32(width)
    sums.geometry.output_row = 0
    var maximum = rn_maxpool_args()
    maximum.output_width = UInt32(output.width)
    maximum.channels = UInt32(output.channels)
    let (function, zero) =
      switch step.arithmetic.activations {
      case .uint8: (kernels.maxpool_q8!, Int32(flip))
      case .float32: (kernels.maxpool_f32!, Int32(0))
      }
    return .stem(
      BoundStem(
        sums: sums, height: height, rowBytes: PlanLayout.aligned((width + 2) * pixelBytes),
        pixelBytes: pixelBytes, width: width, zero: zero, maximum: maximum,
        maximumFunction: function, output: rows(output), outputHeight: output.height,
        conversion: conversion(step.output, step)))
  }
}

/// A convolution and the 3×3 maximum of its result, with stride 2.
///
/// The last three rows of the convolution are in scratch memory, row r in slot r % 3, so that the
/// tensor between convolution and maximum never exists.
struct BoundStem {
  let sums: ConvolutionSums
  /// Rows of the convolution.
  let height: Int
  /// Bytes of a slot and of a pixel; pixels of a row.
  let rowBytes, pixelBytes, width: Int
  /// The byte of which padding consists.
  let zero: Int32
  let maximum: rn_maxpool_args
  let maximumFunction: @convention(c) (UnsafePointer<rn_maxpool_args>?) -> Void
  let output: TensorRows
  let outputHeight: Int
  let conversion: Conversion?

  func run(_ thread: SessionThread) {
    let scratch = thread.scratch
    for slot in 0..<3 {
      memset(scratch + slot * rowBytes, zero, pixelBytes)
      memset(scratch + slot * rowBytes + (width + 1) * pixelBytes, zero, pixelBytes)
    }
    let units = sums.kernel.units(sums.geometry)
    let rows = thread.share(of: outputHeight)
    var nextRow = max(2 * rows.lowerBound - 1, 0)
    for y in rows {
      let last = min(2 * y + 1, height - 1)
      while nextRow <= last {
        var place = sums.place(fromRow: nextRow)
        place.output = scratch + nextRow % 3 * rowBytes + pixelBytes
        sums.kernel(place, scratch: scratch, 0..<units)
        nextRow += 1
      }
      var arguments = maximum
      arguments.rows = (
        UnsafeRawPointer(scratch + max(2 * y - 1, 0) % 3 * rowBytes),
        UnsafeRawPointer(scratch + 2 * y % 3 * rowBytes),
        UnsafeRawPointer(scratch + last % 3 * rowBytes)
      )
      let converted = scratch + 3 * rowBytes
      arguments.output = conversion == nil ? output[y] : converted
      maximumFunction(&arguments)
      conversion?.quantize(
        converted, output[y], 0..<Int(maximum.channels), pixels: Int(maximum.output_width))
    }
  }
}
