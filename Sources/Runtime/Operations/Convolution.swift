// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

extension Binder {
  func bindConvolution(_ record: ConvolutionRecord, _ step: StepRecord) -> BoundOperation {
    let sums = sums(record, step)
    let output = plan.tensor(step.output)
    if converts(step) { return bindStrips(record, step, sums) }
    // Strips of tiles are in the order of rows: every share reads most of its input alone.
    let split = sums.kernel.algorithm == .direct ? split(height: output.height) : .channels
    return .convolution(BoundConvolution(sums: sums, height: output.height, split: split))
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
