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
struct SafetensorsHeaderParser: HeaderScanner {
  var part: String { "safetensors header" }
  /// The header's text, without the length in front of it.
  let bytes: UnsafeRawBufferPointer
  let start: Int
  let limits: ImportLimits
  var position = 0

  mutating func parse() throws(ImportError) -> [SafetensorsEntry] {
    var entries: [SafetensorsEntry] = []
    var names: Set<String> = []
    try list("{", "}") { (parser) throws(ImportError) in
      let name = try parser.string()
      try checkLimit(name.utf8.count, parser.limits.nameBytes, "bytes in a tensor's name")
      guard names.insert(name).inserted else { throw .duplicateTensor(name: name) }
      try parser.expect(":")
      if name == "__metadata__" {
        try parser.skipMetadata()
      } else {
        try checkLimit(entries.count + 1, parser.limits.tensors, "tensors in a file")
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
      _ = try parser.rawString()
      try parser.expect(":")
      _ = try parser.rawString()
    }
  }

  private mutating func integers() throws(ImportError) -> [Int] {
    var result: [Int] = []
    try list("[", "]") { (parser) throws(ImportError) in result.append(try parser.integer()) }
    return result
  }
}
