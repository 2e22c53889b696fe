// SPDX-License-Identifier: Apache-2.0

import CResNetKernels

/// The Winograd form of a 3×3 convolution: F(tileHeight × tileWidth, 3 × 3), in int8 with integer transforms
/// and in fp16 in float32.
public struct WinogradRecord: Equatable {
  /// 2 × 2, 4 × 2 or 4 × 4 outputs.
  public var tileHeight, tileWidth: Int
  /// The instruction-set levels on which it pays; bit n stands for level n of `rn_isa`. In fp16, where it
  /// decides the last bits, it is for all of them.
  public var levels: UInt32
  /// Offset of the transformed weights in the constants, or in the memory where the session makes them.
  public var weights: Int
  /// Whether a session makes the transformed weights of the others, when it is made; in fp16 only.
  public var isMadeBySession: Bool

  /// The levels of a form in fp16.
  public static var allLevels: UInt32 { 0xFFFF }

  public init(
    tileHeight: Int, tileWidth: Int, levels: UInt32, weights: Int, isMadeBySession: Bool = false
  ) {
    self.tileHeight = tileHeight
    self.tileWidth = tileWidth
    self.levels = levels
    self.weights = weights
    self.isMadeBySession = isMadeBySession
  }

  init(form: UInt32, weights: Int) {
    self.init(
      tileHeight: Int(form & 0xFF), tileWidth: Int(form >> 8 & 0x7F), levels: form >> 16,
      weights: weights, isMadeBySession: form >> 15 & 1 != 0)
  }

  var form: UInt32 {
    UInt32(tileHeight) | UInt32(tileWidth) << 8 | (isMadeBySession ? 1 << 15 : 0) | levels << 16
  }

  /// Bytes of the transformed weights, of int16 or fp16.
  public func byteCount(inputs: Int, outputs: Int) -> Int {
    Int(rn_winograd_positions(UInt32(tileHeight), UInt32(tileWidth))) * inputs * outputs
      * MemoryLayout<Int16>.size
  }

  /// Bytes of scratch memory for each thread.
  public func scratchByteCount(inputs: Int, format: ElementFormat) -> Int {
    let (height, width, channels) = (UInt32(tileHeight), UInt32(tileWidth), UInt32(inputs))
    return Int(
      format == .q8
        ? rn_winograd_q8_scratch(height, width, channels)
        : rn_winograd_f16_scratch(height, width, channels))
  }

  var isKnown: Bool {
    (tileHeight == 4 && (tileWidth == 4 || tileWidth == 2)) || (tileHeight == 2 && tileWidth == 2)
  }
}
