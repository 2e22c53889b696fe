// SPDX-License-Identifier: Apache-2.0

package import CResNetKernels
import CResNetPlatform
import ResNetPlatform

/// An instruction-set level that kernels are written for.
///
/// From the lowest to the highest: `ref` everywhere; `sse42`, `avx2`, `avxvnni` and `avx512vnni` on x86;
/// `neon`, `neondot`, `neonfp16` and `i8mm` on 64-bit ARM. A level includes those below it. int8 plans
/// give the same bits on every level.
///
/// - **Allocates:** nothing, except strings and arrays.
public struct InstructionSet: Equatable, Sendable {
  /// The level in C.
  package let level: rn_isa

  /// The highest level of this CPU.
  public static var best: InstructionSet { InstructionSet(level: rn_isa_detect()) }

  /// Portable C, the definition of correct.
  public static var reference: InstructionSet { InstructionSet(level: RN_ISA_REF) }

  init(level: rn_isa) { self.level = level }

  /// Finds a level by its name, such as `ref` or `avx512vnni`.
  ///
  /// - Parameter name: a `String` or, in Embedded Swift, a text ended by a zero byte.
  /// - Throws: ``SessionError/unknownInstructionSet`` if there is no such level on this architecture,
  ///   ``SessionError/unsupportedInstructionSet(best:)`` if this CPU lacks it.
  public init(named name: UnsafePointer<CChar>) throws(SessionError) {
    var level = RN_ISA_REF
    guard rn_isa_from_name(name, &level) == 0 else { throw .unknownInstructionSet }
    guard level.rawValue <= rn_isa_detect().rawValue else {
      throw .unsupportedInstructionSet(best: .best)
    }
    self.level = level
  }

  /// The level named by the environment variable `RN_ISA`, or the best of this CPU without it.
  public static func fromEnvironment() throws(SessionError) -> InstructionSet {
    guard let name = getenv(("RN_ISA" as StaticString).cString) else { return .best }
    return try InstructionSet(named: name)
  }

  /// The name for C and Embedded Swift: ASCII, ended by a zero byte.
  public var cName: UnsafePointer<CChar> { rn_isa_name(level) }

  /// Whether two levels are the same.
  public static func == (a: InstructionSet, b: InstructionSet) -> Bool { a.level == b.level }
  #if !hasFeature(Embedded)
    /// The levels of this CPU in ascending order, ``reference`` first.
    public static var available: [InstructionSet] {
      (RN_ISA_REF.rawValue...rn_isa_detect().rawValue).compactMap {
        try? InstructionSet(named: rn_isa_name(rn_isa($0)))
      }
    }
  #endif
}
