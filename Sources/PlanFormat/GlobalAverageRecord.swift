// SPDX-License-Identifier: Apache-2.0

/// The payload of a mean over all pixels.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0 | f32 | factor of the sum |
/// | 4–127 | | 0 |
public struct GlobalAverageRecord: Equatable, Sendable, StepPayload {
  public var factor: Float = 0

  package init() {}

  package init(factor: Float) { self.factor = factor }

  mutating func code(_ codec: inout RecordCodec) { codec.f32(&factor, at: 0) }
}
