// SPDX-License-Identifier: Apache-2.0

/// A tensor that the caller reads after a run.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0 | u32 | role, ``Role`` |
/// | 4 | u32 | tensor |
/// | 8 | u32 | name, offset in the strings |
/// | 12–31 | | 0 |
public struct OutputRecord: Equatable, PlanRecord {
  public static var byteCount: Int { 32 }

  /// What an output is to a classifier.
  public enum Role: UInt32, Sendable {
    case other = 0
    /// The pooled vector before the classifier.
    case features = 1
    /// One number for each class.
    case logits = 2
  }

  public var role = Role.other
  public var tensor = 0
  public var name = 0

  package init() {}

  package init(role: Role, tensor: Int, name: Int) {
    self.role = role
    self.tensor = tensor
    self.name = name
  }

  package mutating func code(_ codec: inout RecordCodec) {
    codec.code(&role, at: 0)
    codec.u32(&tensor, at: 4)
    codec.u32(&name, at: 8)
  }
}
