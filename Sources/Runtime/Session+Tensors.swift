// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
package import ResNetPlanFormat

extension Session {
  /// A tensor's record and memory, border included, and what its bytes are flipped with if it is uint8.
  ///
  /// - **Allocates:** nothing.
  package func storage(
    of tensor: Int
  ) -> (record: TensorRecord, bytes: UnsafeRawBufferPointer, flip: UInt8) {
    let record = plan.view.tensor(tensor)
    let bytes = UnsafeRawBufferPointer(
      start: arena + record.offset, count: record.storageByteCount)
    return (record, bytes, kernels.activation_flip)
  }

  /// Calls `body` with each value of a tensor, row by row, without border and padding. Only in a plan
  /// that keeps all tensors do they outlive the run.
  ///
  /// - **Allocates:** nothing.
  package func forEachValue(of tensor: Int, _ body: (Float) -> Void) {
    let (record, flip) = (plan.view.tensor(tensor), kernels.activation_flip)
    forEachPixel(of: record, 0) { _, _, pixel in
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
