// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// Reads the text of a file's header from front to back.
protocol HeaderScanner {
  var bytes: UnsafeRawBufferPointer { get }
  var position: Int { get set }
  /// The error for what is at the position.
  func unexpected(_ expected: String) -> ImportError
}

extension HeaderScanner {
  mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) {
      position += 1
    }
  }

  mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func expect(_ character: Unicode.Scalar) throws(ImportError) {
    guard accept(character) else { throw unexpected(quoted(String(character))) }
  }
}
