// SPDX-License-Identifier: Apache-2.0

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

  /// Positions of a tile after the transform: products for each pair of channels.
  public var positions: Int { (tileHeight + 2) * (tileWidth + 2) }

  var isKnown: Bool {
    (tileHeight == 4 && (tileWidth == 4 || tileWidth == 2)) || (tileHeight == 2 && tileWidth == 2)
  }
}
