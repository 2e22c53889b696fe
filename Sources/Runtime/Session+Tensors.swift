// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

extension Session {
  /// Calls `body` with each value of a tensor, row by row, without border and padding. Only in a plan
  /// that keeps all tensors do they outlive the run.
  ///
  /// - **Allocates:** nothing.
  package func forEachValue(of tensor: Int, _ body: (Float) -> Void) {
    let record = plan.view.tensor(tensor)
    let start =
      arena + record.offset
      + record.border * (record.rowPitch + record.channels) * record.format.byteCount
    let flip = kernels.activation_flip
    for y in 0..<record.height {
      for x in 0..<record.width {
        let pixel = start + (y * record.rowPitch + x * record.channels) * record.format.byteCount
        for channel in 0..<record.usedChannels {
          switch record.format {
          case .uint8:
            let byte = pixel.load(fromByteOffset: channel, as: UInt8.self) ^ flip
            body(record.scale * Float(Int(byte) - record.zeroPoint))
          case .float32: body(pixel.load(fromByteOffset: 4 * channel, as: Float.self))
          }
        }
      }
    }
  }
}
