// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// Reads the text of a file or of its header from front to back.
protocol HeaderScanner {
  var bytes: UnsafeRawBufferPointer { get }
  var position: Int { get set }
  /// Where the text begins in the file, for error messages.
  var start: Int { get }
  /// What the text is, for error messages.
  var part: String { get }
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

  /// Parses what may be any number of items between two characters.
  mutating func list(
    _ opening: Unicode.Scalar, _ closing: Unicode.Scalar, mayEndWithComma: Bool = false,
    item: (inout Self) throws(ImportError) -> Void
  ) throws(ImportError) {
    try expect(opening)
    if accept(closing) { return }
    repeat {
      try item(&self)
      guard accept(",") else { return try expect(closing) }
    } while !mayEndWithComma || !accept(closing)
  }

  /// A non-negative integer without sign, fraction, exponent or leading zeros.
  mutating func integer() throws(ImportError) -> Int {
    skipSpace()
    let first = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
    let digits = bytes[first..<position]
    guard let value = Int(String(decoding: digits, as: UTF8.self)),
      digits.count == 1 || bytes[first] != UInt8(ascii: "0")
    else {
      position = first
      throw unexpected("an integer from 0 to \(Int.max)")
    }
    return value
  }

  mutating func expectEnd() throws(ImportError) {
    skipSpace()
    guard position == bytes.count else { throw unexpected("the end of the text") }
  }

  /// The error for what is at the position.
  func unexpected(_ expected: String) -> ImportError {
    .malformed(
      part: part, offset: start + min(position, bytes.count), expected: expected,
      found: position < bytes.count
        ? "the byte 0x\(hexadecimal(bytes[position]))" : "the end of the text")
  }
}
