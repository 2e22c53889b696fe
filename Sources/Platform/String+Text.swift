// SPDX-License-Identifier: Apache-2.0

#if !hasFeature(Embedded)
  import CResNetPlatform

  // Foundation has such functions too, with tables of all languages that make a tool five times as large.
  extension String {
    /// Numbers in a text, as C's printf writes them.
    package init(printf format: String, _ numbers: any CVarArg...) {
      let count = withVaList(numbers) { vsnprintf(nil, 0, format, $0) }
      self.init(unsafeUninitializedCapacity: Int(count) + 1) { room in
        let start = UnsafeMutableRawPointer(room.baseAddress!).assumingMemoryBound(to: CChar.self)
        return Int(withVaList(numbers) { vsnprintf(start, room.count, format, $0) })
      }
    }
  }

  extension StringProtocol {
    /// The text without the white space around it.
    package var trimmed: String {
      guard let last = lastIndex(where: { !$0.isWhitespace }) else { return "" }
      return String(self[...last].drop(while: \.isWhitespace))
    }
  }
#endif
