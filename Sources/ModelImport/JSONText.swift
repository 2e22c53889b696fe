// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A value of a JSON text.
enum JSONValue: Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Parses a text in UTF-8, which error messages call `part`. If a key is there twice, the first counts.
  init(parsing bytes: UnsafeRawBufferPointer, part: String) throws(ImportError) {
    var parser = JSONParser(part: part, bytes: bytes)
    self = try parser.parse()
  }
}

/// Parses JSON in time and memory that are in proportion to the text, which general readers do not: with one that
/// keeps the way to each value, deep nesting costs its depth for each.
private struct JSONParser: HeaderScanner {
  let part: String
  let bytes: UnsafeRawBufferPointer
  var start: Int { 0 }
  var position = 0
  private var depth = 0

  init(part: String, bytes: UnsafeRawBufferPointer) { (self.part, self.bytes) = (part, bytes) }

  mutating func parse() throws(ImportError) -> JSONValue {
    if bytes.begins([0xef, 0xbb, 0xbf]) { position = 3 }
    let value = try value()
    try expectEnd()
    return value
  }

  private mutating func value() throws(ImportError) -> JSONValue {
    skipSpace()
    let first = position < bytes.count ? bytes[position] : 0
    switch first {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), 0x30...0x39: return .number(try number())
    default:
      let words: [(String, JSONValue)] = [
        ("null", .null), ("true", .bool(true)), ("false", .bool(false)),
      ]
      guard let (word, value) = words.first(where: { bytes.begins(Array($0.0.utf8), at: position) })
      else { throw unexpected("a JSON text") }
      position += word.utf8.count
      return value
    }
  }

  private mutating func object() throws(ImportError) -> JSONValue {
    var fields: [String: JSONValue] = [:]
    try nest { (parser) throws(ImportError) in
      try parser.list("{", "}") { (parser) throws(ImportError) in
        let key = try parser.string()
        try parser.expect(":")
        let value = try parser.value()
        if fields[key] == nil { fields[key] = value }
      }
    }
    return .object(fields)
  }

  private mutating func array() throws(ImportError) -> JSONValue {
    var items: [JSONValue] = []
    try nest { (parser) throws(ImportError) in
      try parser.list("[", "]") { (parser) throws(ImportError) in items.append(try parser.value()) }
    }
    return .array(items)
  }

  /// Parses what may hold other values.
  private mutating func nest(_ body: (inout Self) throws(ImportError) -> Void) throws(ImportError) {
    try checkLimit(depth + 1, ImportLimits.depth, "nested values in \(part)")
    depth += 1
    try body(&self)
    depth -= 1
  }

  private mutating func number() throws(ImportError) -> Double {
    let first = position
    if bytes[position] == UInt8(ascii: "-") { position += 1 }
    let whole = digits()
    var isNumber = whole == 1 || (whole > 1 && bytes[position - whole] != UInt8(ascii: "0"))
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      isNumber = digits() > 0 && isNumber
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < bytes.count, [0x2b, 0x2d].contains(bytes[position]) { position += 1 }
      isNumber = digits() > 0 && isNumber
    }
    let text = String(decoding: bytes[first..<position], as: UTF8.self)
    guard isNumber, let value = Double(text), value.isFinite else {
      position = first
      throw unexpected("a number that float64 holds")
    }
    return value
  }

  /// Passes over digits; returns how many there are.
  private mutating func digits() -> Int {
    let first = position
    while position < bytes.count, 0x30...0x39 ~= bytes[position] { position += 1 }
    return position - first
  }
}

extension HeaderScanner {
  /// A string of JSON.
  mutating func string() throws(ImportError) -> String {
    let (text, hasEscapes) = try rawString()
    guard hasEscapes else { return text }
    guard let result = try? JSONDecoder().decode(String.self, from: Data("\"\(text)\"".utf8)) else {
      position -= text.utf8.count + 1
      throw unexpected("a string with the escapes of JSON")
    }
    return result
  }

  /// What is between the quotation marks of a string of JSON, escapes as they are written.
  mutating func rawString() throws(ImportError) -> (text: String, hasEscapes: Bool) {
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
    position = end + 1
    return (text, hasEscapes)
  }
}
