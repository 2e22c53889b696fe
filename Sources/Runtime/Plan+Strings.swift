// SPDX-License-Identifier: Apache-2.0

#if !hasFeature(Embedded)
  extension Plan {
    /// The names of the classes, in the order of the logits; empty if the plan has none.
    ///
    /// - Complexity: O(bytes of the names).
    /// - **Allocates:** the array and its strings.
    public var classNames: [String] {
      guard var next = view.className(0)?.baseAddress else { return [] }
      // The names lie one after another, each ended by a zero byte.
      return (0..<classCount).map { _ in
        defer {
          while next.pointee != 0 { next += 1 }
          next += 1
        }
        return String(cString: next)
      }
    }

    /// Where the plan comes from: lines of `key: value`, such as the checkpoint's SHA-256 and the
    /// settings of the calibration.
    ///
    /// - **Allocates:** the string.
    public var provenance: String { String(cString: view.provenance) }
  }

  extension InstructionSet {
    /// The name of the level, such as `ref` or `avx512vnni`.
    public var name: String { String(cString: cName) }
  }

  extension InstructionSet: CustomStringConvertible {
    /// The name of the level.
    public var description: String { name }
  }
#endif
