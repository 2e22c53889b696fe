// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// Where a text is not the JSON that was expected.
struct JSONError: Error {
  let byte: Int
  let expected: StaticString
}

/// Reads JSON (RFC 8259) from front to back, without building anything.
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
      if byte == UInt8(ascii: "\\") { try escape() }
    }
    let end = position
    guard take(UInt8(ascii: "\"")) else { throw expected("the end of a string") }
    return UnsafeRawBufferPointer(rebasing: text[start..<end])
  }

  /// Reads a string, or null, which gives an empty one.
  mutating func optionalString() throws(JSONError) -> UnsafeRawBufferPointer {
    skipSpace()
    guard next == UInt8(ascii: "n") else { return try string() }
    try word("null")
    return UnsafeRawBufferPointer(start: nil, count: 0)
  }

  /// Reads a number.
  mutating func number() throws(JSONError) -> Double {
    skipSpace()
    let start = position
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) { try digits() }
    if take(UInt8(ascii: ".")) { try digits() }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits()
    }
    // strtod needs an end, which the mapped file does not have.
    var copy = InlineArray<64, CChar>(repeating: 0)
    let count = position - start
    let number: Double? = withUnsafeMutableBytes(of: &copy) { bytes in
      guard count < bytes.count else { return nil }
      for index in 0..<count { bytes[index] = text[start + index] }
      return strtod(bytes.baseAddress!.assumingMemoryBound(to: CChar.self), nil)
    }
    guard let number, number.isFinite else {
      position = start
      throw expected("a number of less than 64 characters, below 1e308")
    }
    return number
  }

  /// Reads any value and forgets it.
  mutating func skipValue() throws(JSONError) {
    skipSpace()
    switch next {
    case UInt8(ascii: "{"):
      try object { _, scanner throws(JSONError) in try scanner.skipValue() }
    case UInt8(ascii: "["):
      try array { scanner throws(JSONError) in try scanner.skipValue() }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: _ = try number()
    }
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

  private mutating func escape() throws(JSONError) {
    guard let byte = next else { throw expected("the end of a string") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      break
    case UInt8(ascii: "u"):
      for _ in 0..<4 {
        guard let digit = next, Int(hexDigit: digit) != nil else {
          throw expected("four hexadecimal digits")
        }
        position += 1
      }
    default:
      position -= 1
      throw expected("an escape that JSON has")
    }
  }

  private mutating func digits() throws(JSONError) {
    let start = position
    while let digit = next, UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit { position += 1 }
    guard position > start else { throw expected("a value") }
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
