// SPDX-License-Identifier: Apache-2.0

import CKernels

/// The Winograd form of a 3×3 convolution: F(tileHeight × tileWidth, 3 × 3) with integer transforms.
public struct WinogradRecord: Equatable {
  /// 2 × 2, 4 × 2 or 4 × 4 outputs.
  public var tileHeight, tileWidth: Int
  /// The instruction-set levels on which it pays; bit n stands for level n of `rn_isa`.
  public var levels: UInt32
  /// Offset of the transformed weights in the constants.
  public var weights: Int

  public init(tileHeight: Int, tileWidth: Int, levels: UInt32, weights: Int) {
    self.tileHeight = tileHeight
    self.tileWidth = tileWidth
    self.levels = levels
    self.weights = weights
  }

  init(form: UInt32, weights: Int) {
    self.init(
      tileHeight: Int(form & 0xFF), tileWidth: Int(form >> 8 & 0xFF), levels: form >> 16,
      weights: weights)
  }

  var form: UInt32 { UInt32(tileHeight) | UInt32(tileWidth) << 8 | levels << 16 }

  /// Bytes of the transformed weights.
  public func byteCount(inputs: Int, outputs: Int) -> Int {
    Int(rn_winograd_positions(UInt32(tileHeight), UInt32(tileWidth))) * inputs * outputs
      * MemoryLayout<Int16>.size
  }

  var isKnown: Bool {
    (tileHeight == 4 && (tileWidth == 4 || tileWidth == 2)) || (tileHeight == 2 && tileWidth == 2)
  }
}
