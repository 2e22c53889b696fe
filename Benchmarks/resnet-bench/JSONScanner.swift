// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// Where a text is not the JSON that was expected.
struct JSONError: Error {
  let byte: Int
  let expected: StaticString
}

/// Reads JSON from front to back, without building anything: what RFC 8259 allows, and a few numbers and escapes
/// more.
///
/// Strings are given as they are written, escapes included.
struct JSONScanner {
  /// The next byte to read.
  private(set) var position = 0

  private let text: UnsafeRawBufferPointer
  private var depth = 0

  private static var maximumDepth: Int { 32 }

  init(_ text: UnsafeRawBufferPointer) { self.text = text }

  /// An error at the current position.
  func expected(_ what: StaticString) -> JSONError { JSONError(byte: position, expected: what) }

  /// Reads an object; `body` reads the value of each key.
  mutating func object(
    _ body: (UnsafeRawBufferPointer, inout JSONScanner) throws(JSONError) -> Void
  ) throws(JSONError) {
    try list("{", "}", "an object", "a comma or }") { scanner throws(JSONError) in
      let key = try scanner.string()
      scanner.skipSpace()
      guard scanner.take(UInt8(ascii: ":")) else { throw scanner.expected("a colon") }
      try body(key, &scanner)
    }
  }

  /// Reads an array; `body` reads each element.
  mutating func array(
    _ body: (inout JSONScanner) throws(JSONError) -> Void
  ) throws(JSONError) {
    try list("[", "]", "an array", "a comma or ]", body)
  }

  /// Reads a string.
  mutating func string() throws(JSONError) -> UnsafeRawBufferPointer {
    skipSpace()
    guard take(UInt8(ascii: "\"")) else { throw expected("a string") }
    let start = position
    while let byte = next, byte != UInt8(ascii: "\"") {
      guard byte >= 0x20 else { throw expected("a string without control characters") }
      position += 1
      guard byte == UInt8(ascii: "\\") else { continue }
      // The digits after \u count as text.
      let escapes: StaticString = "\"\\/bfnrtu"
      guard let escape = next,
        memchr(escapes.utf8Start, Int32(escape), escapes.utf8CodeUnitCount) != nil
      else {
        throw expected("an escape that JSON has")
      }
      position += 1
    }
    let end = position
    guard take(UInt8(ascii: "\"")) else { throw expected("the end of a string") }
    return UnsafeRawBufferPointer(rebasing: text[start..<end])
  }

  /// Reads a number.
  mutating func number() throws(JSONError) -> Double {
    skipSpace()
    let digit = next == UInt8(ascii: "-") ? position + 1 : position
    guard digit < text.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= text[digit] else {
      throw expected("a value")
    }
    // strtod needs an end, which the mapped file does not have.
    var copy = InlineArray<65, CChar>(repeating: 0)
    let (number, length) = withUnsafeMutableBytes(of: &copy) { bytes in
      memcpy(bytes.baseAddress!, text.baseAddress! + position, min(text.count - position, 64))
      let start = bytes.baseAddress!.assumingMemoryBound(to: CChar.self)
      var end: UnsafeMutablePointer<CChar>?
      let number = strtod(start, &end)
      return (number, end! - start)
    }
    guard length < 64, number.isFinite else {
      throw expected("a number of less than 64 characters, below 1e308")
    }
    position += length
    return number
  }

  /// Reads any value and gives it as it is written.
  mutating func value() throws(JSONError) -> UnsafeRawBufferPointer {
    skipSpace()
    let start = position
    switch next {
    case UInt8(ascii: "{"):
      try object { _, scanner throws(JSONError) in _ = try scanner.value() }
    case UInt8(ascii: "["):
      try array { scanner throws(JSONError) in _ = try scanner.value() }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: _ = try number()
    }
    return UnsafeRawBufferPointer(rebasing: text[start..<position])
  }

  /// Checks that nothing but space is left.
  mutating func end() throws(JSONError) {
    skipSpace()
    guard position == text.count else { throw expected("the end of the file") }
  }

  private var next: UInt8? { position < text.count ? text[position] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private mutating func list(
    _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ what: StaticString,
    _ separator: StaticString, _ body: (inout JSONScanner) throws(JSONError) -> Void
  ) throws(JSONError) {
    skipSpace()
    guard take(UInt8(ascii: open)) else { throw expected(what) }
    guard depth < JSONScanner.maximumDepth else { throw expected("at most 32 nested values") }
    depth += 1
    skipSpace()
    if !take(UInt8(ascii: close)) {
      while true {
        try body(&self)
        skipSpace()
        if take(UInt8(ascii: close)) { break }
        guard take(UInt8(ascii: ",")) else { throw expected(separator) }
      }
    }
    depth -= 1
  }

  private mutating func word(_ word: StaticString) throws(JSONError) {
    let count = word.utf8CodeUnitCount
    guard text.count - position >= count,
      memcmp(text.baseAddress! + position, word.utf8Start, count) == 0
    else { throw expected("a value") }
    position += count
  }
}

extension UnsafeRawBufferPointer {
  /// Whether the bytes are those of some text.
  func equals(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    count == text.count && (count == 0 || memcmp(baseAddress!, text.baseAddress!, count) == 0)
  }

  /// Whether the bytes are those of some text.
  func equals(_ text: StaticString) -> Bool {
    equals(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}
