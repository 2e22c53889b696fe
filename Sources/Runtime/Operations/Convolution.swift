// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

extension Binder {
  func bindConvolution(_ record: ConvolutionRecord, _ step: StepRecord) -> BoundOperation {
    let sums = sums(record, step)
    return converts(step) ? bindStrips(record, step, sums) : .convolution(convolution(sums))
  }

  /// An int8 convolution in an exact form or, directly, without the weights of one.
  ///
  /// - Parameter weights: transformed for the form; at least as many bytes as that takes.
  func exactConvolution(
    _ record: ConvolutionRecord, _ step: StepRecord, _ form: Arithmetic.Algorithm,
    weights: UnsafePointer<Int16>
  ) -> BoundConvolution {
    var sums = sums(record, step)
    if form != .direct, case .q8(_, let direct) = sums.kernel {
      var arguments = rn_winograd_q8_args()
      arguments.conv = direct
      arguments.weights = weights
      (arguments.tile_height, arguments.tile_width) = form.tile
      sums.kernel = .winogradQ8(kernels.winograd_q8, arguments, form)
    }
    return convolution(sums)
  }

  private func convolution(_ sums: ConvolutionSums) -> BoundConvolution {
    let height = Int(sums.geometry.output_height)
    // Strips of tiles are in the order of rows: every share reads most of its input alone.
    let split = sums.kernel.algorithm == .direct ? split(height: height) : .channels
    return BoundConvolution(sums: sums, height: height, split: split)
  }
}

/// A convolution between tensors of the format that it computes with.
struct BoundConvolution {
  let sums: ConvolutionSums
  let height: Int
  let split: Split

  func run(_ thread: SessionThread) {
    switch split {
    case .channels:
      let units = thread.share(of: sums.kernel.units(sums.geometry))
      sums.kernel(sums.place(), scratch: thread.scratch, units)
    case .rows:
      let rows = thread.share(of: height)
      var place = sums.place(fromRow: rows.lowerBound)
      place.geometry.output_height = UInt32(rows.count)
      sums.kernel(place, scratch: thread.scratch, 0..<sums.kernel.units(place.geometry))
    }
  }
}
