// SPDX-License-Identifier: Apache-2.0

/// Counts the fields and integers of an ONNX model before it is decoded, because a field of two bytes
/// can become an object of a hundred. What is not counted is not entered, or decodes to at most four
/// times its bytes.
///
/// Encoding: https://protobuf.dev/programming-guides/encoding. Only the messages that are decoded are
/// entered, so the depth is fixed; groups, which ONNX does not use, are refused.
struct ProtobufScan {
  private enum Message {
    case model, graph, node, attribute, tensor, value, type, tensorType, shape, other

    /// The message in field `number`, nil if it is not entered.
    func child(_ number: UInt64) -> Message? {
      switch (self, number) {
      case (.model, 7): .graph
      case (.model, 8), (.model, 25), (.tensor, 13), (.shape, 1): .other
      case (.graph, 11), (.graph, 12): .value
      case (.value, 2): .type
      case (.type, 1): .tensorType
      case (.tensorType, 2): .shape
      case (.graph, 1): .node
      case (.graph, 5), (.attribute, 5): .tensor
      case (.node, 5): .attribute
      default: nil
      }
    }

    /// Whether field `number` has packed integers, of which each takes a byte or more here and eight
    /// when decoded.
    func hasIntegers(_ number: UInt64) -> Bool {
      switch (self, number) {
      case (.tensor, 1), (.tensor, 7), (.attribute, 8): true
      default: false
      }
    }
  }

  let bytes: UnsafeRawBufferPointer
  let limit: Int
  private(set) var count = 0

  /// Throws `limitExceeded` or `malformed`.
  static func check(_ bytes: UnsafeRawBufferPointer, limits: ImportLimits) throws(ImportError) {
    var scan = ProtobufScan(bytes: bytes, limit: limits.protobufFields)
    try scan.enter(.model, 0..<bytes.count)
  }

  private mutating func enter(_ message: Message, _ range: Range<Int>) throws(ImportError) {
    var position = range.lowerBound
    while position < range.upperBound {
      try add(1)
      let start = position
      let tag = try varint(&position, range.upperBound)
      switch tag & 7 {
      case 0: _ = try varint(&position, range.upperBound)
      case 1: try skip(8, &position, range.upperBound)
      case 2:
        let length = Int(clamping: try varint(&position, range.upperBound))
        let content = position
        try skip(length, &position, range.upperBound)
        if message.hasIntegers(tag >> 3) { try add(length) }
        if let child = message.child(tag >> 3) { try enter(child, content..<position) }
      case 5: try skip(4, &position, range.upperBound)
      default: throw malformed(start, "a field without groups", "wire type \(tag & 7)")
      }
    }
  }

  private mutating func add(_ fields: Int) throws(ImportError) {
    count += fields
    try checkLimit(count, limit, "fields in the ONNX model")
  }

  private func skip(_ length: Int, _ position: inout Int, _ end: Int) throws(ImportError) {
    guard length <= end - position else {
      throw malformed(position, "\(length) more bytes", "\(end - position)")
    }
    position += length
  }

  private func varint(_ position: inout Int, _ end: Int) throws(ImportError) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard position < end else { throw malformed(start, "an integer", "the end of its message") }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw malformed(start, "an integer of at most 10 bytes", "more")
  }

  private func malformed(_ offset: Int, _ expected: String, _ found: String) -> ImportError {
    .malformed(part: "ONNX model", offset: offset, expected: expected, found: found)
  }
}
