// SPDX-License-Identifier: Apache-2.0

/// A seeded generator whose numbers, and all that is made of them here, are the same on every
/// machine: SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", 2014), and deviates that need no function of libm.
package struct RandomGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A number from -1 up to but not including 1, all of 2⁵³ steps equally likely.
  mutating func nextUniform() -> Double {
    Double(next() >> 11) * 0x1p-52 - 1
  }

  /// A nearly normal number with mean 0 and standard std 1, within ±6.
  ///
  /// It is the sum of 12 uniform numbers (Irwin–Hall), each 16 bits of three draws, so the sum is
  /// exact in integers. A uniform integer below 2¹⁶ has mean 65535/2 and variance
  /// (2³² - 1)/12; twelve of them have variance 2³² - 1.
  mutating func nextNormal() -> Double {
    var sum = 0
    for _ in 0..<3 {
      let bits = next()
      sum += Int(bits & 0xffff) + Int(bits >> 16 & 0xffff)
      sum += Int(bits >> 32 & 0xffff) + Int(bits >> 48)
    }
    return Double(sum - 6 * 65535) * 0x1p-16
  }
}
