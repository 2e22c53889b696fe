// SPDX-License-Identifier: Apache-2.0

/// The payload of a scale of channels: `t = x * multiplier + offset`, then a residual, slopes and a clamp.
///
/// Constants are float32, one for each stored channel, named by offset in their section. Of uint8 they count in units
/// of the tensors: steps of their scales, or 256ths of them where a tensor has lower bytes.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0 | u32 | tensor of the gate, whose numbers times `factor` are the multipliers; or 0xFFFFFFFF |
/// | 4 | f32 | factor of the gate |
/// | 8 | f32 | factor of the residual, from its units to the output's |
/// | 12, 16 | f32 | low and high: the clamp before rounding, without the zero point, in the output's units |
/// | 20 | u32 | whether there are slopes, 0 or 1 |
/// | 24 | u64 | multipliers; 0 with a gate |
/// | 32 | u64 | offsets |
/// | 40 | u64 | slopes; 0 if there are none |
/// | 48–127 | | 0 |
public struct ScaleRecord: Equatable, Sendable, StepPayload {
  /// Whether values below 0 are multiplied by a slope.
  public enum Slopes: UInt32, Sendable { case none, perChannel }

  public var gate = StepRecord.noTensor
  public var gateFactor: Float = 0
  public var residualFactor: Float = 0
  public var low: Float = 0
  public var high: Float = 0
  public var slopes = Slopes.none
  public var multiplier = 0
  public var offset = 0
  public var slope = 0

  package init() {}

  public var hasGate: Bool { gate != StepRecord.noTensor }

  mutating func code(_ codec: inout RecordCodec) {
    codec.u32(&gate, at: 0)
    codec.f32(&gateFactor, at: 4)
    codec.f32(&residualFactor, at: 8)
    codec.f32(&low, at: 12)
    codec.f32(&high, at: 16)
    codec.code(&slopes, at: 20)
    codec.u64(&multiplier, at: 24)
    codec.u64(&offset, at: 32)
    codec.u64(&slope, at: 40)
  }
}
