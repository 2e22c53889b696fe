// SPDX-License-Identifier: Apache-2.0

import Foundation
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
struct SafetensorsHeaderParser: HeaderScanner {
  /// The header's text, without the length in front of it.
  let bytes: UnsafeRawBufferPointer
  /// Where the text begins in the file, for error messages.
  let start: Int
  var position = 0

  mutating func parse() throws(ImportError) -> [SafetensorsEntry] {
    var entries: [SafetensorsEntry] = []
    var names: Set<String> = []
    try list("{", "}") { (parser) throws(ImportError) in
      let name = try parser.string()
      guard names.insert(name).inserted else { throw .duplicateTensor(name: name) }
      try parser.expect(":")
      if name == "__metadata__" {
        try parser.skipMetadata()
      } else {
        entries.append(try parser.entry(name))
      }
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
    try list("{", "}") { (parser) throws(ImportError) in
      _ = try parser.string()
      try parser.expect(":")
      _ = try parser.string()
    }
  }

  private mutating func integers() throws(ImportError) -> [Int] {
    var result: [Int] = []
    try list("[", "]") { (parser) throws(ImportError) in result.append(try parser.integer()) }
    return result
  }

  /// Parses what may be any number of items between two characters.
  private mutating func list(
    _ opening: Unicode.Scalar, _ closing: Unicode.Scalar,
    item: (inout Self) throws(ImportError) -> Void
  ) throws(ImportError) {
    try expect(opening)
    if accept(closing) { return }
    repeat { try item(&self) } while accept(",")
    try expect(closing)
  }

  /// A non-negative integer without sign, fraction, exponent or leading zeros.
  private mutating func integer() throws(ImportError) -> Int {
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

  private mutating func string() throws(ImportError) -> String {
    try expect("\"")
    let first = position
    var hasEscapes = false
    while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
      guard bytes[position] >= 0x20 else {
        throw unexpected("a string without control characters")
      }
      let isEscape = bytes[position] == UInt8(ascii: "\\")
      if isEscape { hasEscapes = true }
      position += isEscape ? 2 : 1
    }
    guard position < bytes.count else { throw unexpected("the end of a string") }
    let end = position
    position = first
    guard let text = String(validating: bytes[first..<end], as: UTF8.self) else {
      throw unexpected("a string in UTF-8")
    }
    guard
      let result = hasEscapes
        ? try? JSONDecoder().decode(String.self, from: Data("\"\(text)\"".utf8)) : text
    else { throw unexpected("a string with the escapes of JSON") }
    position = end + 1
    return result
  }

  func unexpected(_ expected: String) -> ImportError {
    let found =
      position < bytes.count
      ? "the byte 0x\(hexadecimal(bytes[position]))" : "the end of the header"
    return .malformed(
      part: "safetensors header", offset: start + min(position, bytes.count),
      expected: expected, found: found)
  }
}
