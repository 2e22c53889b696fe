// SPDX-License-Identifier: Apache-2.0

/// A set of instruction-set levels in a plan.
///
/// Bit n stands for the level with id n. The ids are of the file alone and never change; those of an
/// architecture start at a multiple of 16. Their order means nothing.
public struct PlanLevels: RawRepresentable, Equatable, Sendable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  private init(id: UInt64) { rawValue = 1 << id }

  /// Portable C.
  public static var ref: PlanLevels { PlanLevels(id: 0) }

  public static var sse42: PlanLevels { PlanLevels(id: 16) }
  public static var avx2: PlanLevels { PlanLevels(id: 17) }
  public static var avxvnni: PlanLevels { PlanLevels(id: 18) }
  public static var avx512vnni: PlanLevels { PlanLevels(id: 19) }

  public static var neon: PlanLevels { PlanLevels(id: 32) }
  public static var neondot: PlanLevels { PlanLevels(id: 33) }
  public static var neonfp16: PlanLevels { PlanLevels(id: 34) }
  public static var i8mm: PlanLevels { PlanLevels(id: 35) }

  /// Every level, known or not.
  public static var all: PlanLevels { PlanLevels(rawValue: .max) }

  public var isEmpty: Bool { rawValue == 0 }

  /// Whether a level is one of these.
  public func contains(_ level: PlanLevels) -> Bool { rawValue & level.rawValue != 0 }

  public func union(_ others: PlanLevels) -> PlanLevels {
    PlanLevels(rawValue: rawValue | others.rawValue)
  }
}
