// SPDX-License-Identifier: Apache-2.0

/// Takes the operands of a pickle's operations off its bytes, all bounds checked.
struct PickleReader {
  /// Where the operation being executed begins.
  private(set) var operation = 0

  /// Where the next operation begins.
  private(set) var position: Int

  /// What the bytes are called in error messages.
  let part: String

  private let bytes: [UInt8]

  init(_ bytes: [UInt8], at start: Int, part: String) {
    self.bytes = bytes
    position = start
    self.part = part
  }

  mutating func beginOperation() { operation = position }

  mutating func byte() throws(ImportError) -> UInt8 {
    guard position < bytes.count else { throw truncated(1) }
    position += 1
    return bytes[position - 1]
  }

  /// A little-endian integer.
  mutating func integer<Value: FixedWidthInteger & UnsignedInteger>(_: Value.Type = Value.self)
    throws(ImportError) -> Value
  {
    var value: Value = 0
    for slice in try take(Value.bitWidth / 8).reversed() { value = value << 8 | Value(slice) }
    return value
  }

  /// An integer of `count` bytes, little-endian, two's complement; nil if there are more than 8.
  mutating func long(_ count: Int) throws(ImportError) -> Int? {
    let digits = try take(count)
    if count > 8 { return nil }
    let isNegative = digits.last.map { $0 >= 0x80 } ?? false
    var value: Int = isNegative ? -1 : 0
    for digit in digits.reversed() { value = value << 8 | Int(digit) }
    return value
  }

  /// Text after its length, an integer of a type; nil if it is not UTF-8. A length of more than `Int.max`
  /// is beyond the pickle in any case.
  mutating func string<Length: FixedWidthInteger & UnsignedInteger>(lengthOf type: Length.Type)
    throws(ImportError) -> String?
  {
    String(validating: try take(Int(clamping: try integer(type))), as: UTF8.self)
  }

  /// Passes over bytes after their number, an integer of a type.
  mutating func skip<Length: FixedWidthInteger & UnsignedInteger>(lengthOf type: Length.Type)
    throws(ImportError)
  {
    _ = try take(Int(clamping: try integer(type)))
  }

  /// Text up to the next newline, as GLOBAL has it.
  mutating func line() throws(ImportError) -> String {
    guard let end = bytes[position...].firstIndex(of: 0x0a) else { throw truncated(1) }
    let text = String(decoding: try take(end - position), as: UTF8.self)
    position = end + 1
    return text
  }

  /// Checks the operand of FRAME, which only helps readers of streams.
  mutating func checkFrame() throws(ImportError) {
    let count: UInt64 = try integer()
    guard count <= UInt64(bytes.count - position) else { throw truncated(Int(clamping: count)) }
  }

  func malformed(_ expected: String, _ found: String) -> ImportError {
    .malformed(part: part, offset: operation, expected: expected, found: found)
  }

  private mutating func take(_ count: Int) throws(ImportError) -> ArraySlice<UInt8> {
    guard count <= bytes.count - position else { throw truncated(count) }
    defer { position += count }
    return bytes[position..<position + count]
  }

  private func truncated(_ count: Int) -> ImportError {
    malformed("\(count) more bytes", "\(bytes.count - position)")
  }
}
