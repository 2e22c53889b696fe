// SPDX-License-Identifier: Apache-2.0

/// The payload of a matrix product with a vector: constants, by offset in their section, and a clamp.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0 | u64 | weights `[out/16][in][16 out]` |
/// | 8 | u64 | biases, float32 |
/// | 16 | u64 | multipliers, float32 (int8 only) |
/// | 24, 28 | f32 | low and high: the clamp of the results |
/// | 32–127 | | 0 |
public struct LinearRecord: Equatable, Sendable, StepPayload {
  public var weights = 0
  public var bias = 0
  public var multiplier = 0
  public var low = -Float.infinity
  public var high = Float.infinity

  package init() {}

  mutating func code(_ codec: inout RecordCodec) {
    codec.u64(&weights, at: 0)
    codec.u64(&bias, at: 8)
    codec.u64(&multiplier, at: 16)
    codec.f32(&low, at: 24)
    codec.f32(&high, at: 28)
  }
}
