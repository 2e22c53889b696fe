// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import CResNetPlatform
import ResNetPlanFormat

extension Binder {
  func bindBorder(_ tensor: TensorRecord) -> BoundBorder {
    let pattern: UInt32
    switch tensor.format {
    case .uint8: pattern = tensor.borderPattern ^ UInt32(flip) * 0x0101_0101
    case .float32: pattern = tensor.borderPattern
    }
    return BoundBorder(
      rows: TensorRows(
        start: arena + tensor.offset, pitch: tensor.rowPitch * tensor.format.byteCount),
      border: tensor.border, height: tensor.height,
      side: tensor.border * tensor.channels * tensor.format.byteCount, pattern: pattern)
  }
}

/// Fills the border of a step's output.
struct BoundBorder {
  /// The rows with the border, from its first byte on.
  var rows: TensorRows
  /// Pixels.
  var border, height: Int
  /// Bytes of the border on each side of a row.
  var side: Int
  var pattern: UInt32

  func run(_ thread: SessionThread) {
    guard border > 0 else { return }
    for y in thread.share(of: height + 2 * border) {
      let start = rows[y]
      if y < border || y >= height + border {
        fill(start, rows.pitch)
      } else {
        fill(start, side)
        fill(start + rows.pitch - side, side)
      }
    }
  }

  private func fill(_ start: UnsafeMutableRawPointer, _ count: Int) {
    if pattern == (pattern & 0xFF) &* 0x0101_0101 {
      memset(start, Int32(pattern & 0xFF), count)
    } else {
      for offset in stride(from: 0, to: count, by: 3) {
        for byte in 0..<3 {
          let value = UInt8(truncatingIfNeeded: pattern >> (8 * UInt32(byte)))
          start.storeBytes(of: value, toByteOffset: offset + byte, as: UInt8.self)
        }
      }
    }
  }
}
