// SPDX-License-Identifier: Apache-2.0

/// Fills pixels with numbers that look random and are the same on every machine.
func fillTestImage(_ pixels: UnsafeMutableBufferPointer<UInt8>) {
  // The multiplier of Knuth's MMIX generator; its upper bits are the random ones.
  var state: UInt64 = 1
  for index in 0..<pixels.count {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    pixels[index] = UInt8(truncatingIfNeeded: state >> 56)
  }
}
