// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// One tensor as a safetensors header describes it, not yet compared with the data.
struct SafetensorsEntry {
  var name: String
  var elementType: String
  var shape: [Int]
  /// The bytes of the data area, which follows the header.
  var begin: Int
  var end: Int
}

/// Parses the JSON text of a safetensors header.
///
/// The format allows only one arrangement: an object of objects with the keys `dtype`, `shape`
/// and `data_offsets`, besides `__metadata__`, an object of strings. A parser for just that
/// takes memory in proportion to the tensors, has no recursion, keeps integers exact, and
/// notices duplicate keys, which general JSON readers drop in silence.
struct SafetensorsHeaderParser {
  /// The header's text, without the length in front of it.
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  /// Where the text begins in the file, for error messages.
  private let start: Int

  init(_ bytes: UnsafeRawBufferPointer, start: Int) {
    self.bytes = bytes
    self.start = start
  }

  mutating func parse() throws(ImportError) -> [SafetensorsEntry] {
    var entries: [SafetensorsEntry] = []
    var names: Set<String> = []
    try expect("{")
    if !accept("}") {
      repeat {
        let name = try string()
        guard names.insert(name).inserted else { throw .duplicateTensor(name: name) }
        try expect(":")
        if name == "__metadata__" {
          try skipMetadata()
        } else {
          entries.append(try entry(name))
        }
      } while accept(",")
      try expect("}")
    }
    skipSpace()
    guard position == bytes.count else { throw unexpected("the end of the header") }
    return entries
  }

  private mutating func entry(_ name: String) throws(ImportError) -> SafetensorsEntry {
    var elementType: String?
    var shape: [Int]?
    var offsets: [Int]?
    try expect("{")
    repeat {
      skipSpace()
      let keyPosition = position
      let key = try string()
      try expect(":")
      switch key {
      case "dtype" where elementType == nil: elementType = try string()
      case "shape" where shape == nil: shape = try integers()
      case "data_offsets" where offsets == nil: offsets = try integers()
      default:
        throw .malformed(
          part: "safetensors header, tensor \(quoted(name))", offset: start + keyPosition,
          expected: "\"dtype\", \"shape\" and \"data_offsets\" once each", found: quoted(key))
      }
    } while accept(",")
    try expect("}")
    guard let elementType, let shape, let offsets, offsets.count == 2 else {
      throw .malformed(
        part: "safetensors header, tensor \(quoted(name))", offset: start + position,
        expected: "a dtype, a shape and two data_offsets",
        found: "dtype \(elementType.map(quoted) ?? "none"), "
          + "\(shape == nil ? "no shape" : "a shape"), \(offsets?.count ?? 0) offsets")
    }
    return SafetensorsEntry(
      name: name, elementType: elementType, shape: shape, begin: offsets[0], end: offsets[1])
  }

  private mutating func skipMetadata() throws(ImportError) {
    try expect("{")
    if accept("}") { return }
    repeat {
      _ = try string()
      try expect(":")
      _ = try string()
    } while accept(",")
    try expect("}")
  }

  private mutating func integers() throws(ImportError) -> [Int] {
    var result: [Int] = []
    try expect("[")
    if accept("]") { return result }
    repeat { result.append(try integer()) } while accept(",")
    try expect("]")
    return result
  }

  /// A non-negative integer without sign, fraction, exponent or leading zeros.
  private mutating func integer() throws(ImportError) -> Int {
    skipSpace()
    let first = position
    var value = 0
    while position < bytes.count, case let digit = bytes[position], (0x30...0x39).contains(digit) {
      let (tens, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowedAgain) = tens.addingReportingOverflow(Int(digit - 0x30))
      guard !overflowed, !overflowedAgain, position == first || value != 0 else {
        position = first
        throw unexpected("an integer from 0 to \(Int.max)")
      }
      value = sum
      position += 1
    }
    guard position > first else { throw unexpected("an integer from 0 to \(Int.max)") }
    return value
  }

  private mutating func string() throws(ImportError) -> String {
    try expect("\"")
    let first = position
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        position += 1
        guard let result = String(validating: text, as: UTF8.self) else {
          position = first
          throw unexpected("a string in UTF-8")
        }
        return result
      }
      guard byte >= 0x20 else { throw unexpected("a string without control characters") }
      position += 1
      if byte == UInt8(ascii: "\\") {
        try appendEscape(to: &text)
      } else {
        text.append(byte)
      }
    }
    throw unexpected("the end of a string")
  }

  private mutating func appendEscape(to text: inout [UInt8]) throws(ImportError) {
    guard position < bytes.count else { throw unexpected("an escaped character") }
    let letter = bytes[position]
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = UInt32(try fourHexadecimalDigits())
      if (0xd800..<0xdc00).contains(code) {
        // The first half of a surrogate pair: the second must follow as another escape.
        guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
          bytes[position + 1] == UInt8(ascii: "u")
        else { throw unexpected("the second half of a surrogate pair") }
        position += 2
        let second = UInt32(try fourHexadecimalDigits())
        guard (0xdc00..<0xe000).contains(second) else {
          throw unexpected("the second half of a surrogate pair")
        }
        code = 0x10000 + (code - 0xd800) << 10 + (second - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw unexpected("a Unicode scalar value") }
      text.append(contentsOf: Array(String(Character(scalar)).utf8))
    default:
      position -= 1
      throw unexpected("an escaped character")
    }
  }

  private mutating func fourHexadecimalDigits() throws(ImportError) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard position < bytes.count,
        let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue
      else { throw unexpected("four hexadecimal digits") }
      value = value << 4 | UInt16(digit)
      position += 1
    }
    return value
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) {
      position += 1
    }
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(ImportError) {
    guard accept(character) else { throw unexpected(quoted(String(character))) }
  }

  private func unexpected(_ expected: String) -> ImportError {
    let found =
      position < bytes.count
      ? "the byte 0x\(hexadecimal(bytes[position]))" : "the end of the header"
    return .malformed(
      part: "safetensors header", offset: start + position, expected: expected, found: found)
  }
}
