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
  static let part = "safetensors header"
  /// The header's text, without the length in front of it.
  let bytes: UnsafeRawBufferPointer
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
    try expectEnd()
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
}
