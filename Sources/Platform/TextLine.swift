// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// Text of bounded length, built in place.
///
/// Board modules describe their errors and board tools print through it, because
/// `String` would need the heap. Text beyond the capacity is cut off. What loops is not inlined: a tool makes
/// text in hundreds of places, and none of them is in a hurry.
///
/// - **Allocates:** nothing.
public struct TextLine {
  /// The number of bytes a line can hold.
  public static var capacity: Int { 4096 }

  private var bytes = InlineArray<4096, UInt8>(repeating: 0)

  /// The number of bytes in the line.
  public private(set) var count = 0

  @inline(never)
  public init() {}

  /// Appends one byte.
  public mutating func append(byte: UInt8) {
    guard count < TextLine.capacity else { return }
    bytes[count] = byte
    count += 1
  }

  /// Appends literal text.
  @inline(never)
  public mutating func append(_ text: StaticString) {
    append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends text of this program as it is, UTF-8.
  @inline(never)
  public mutating func append(_ utf8: UnsafeBufferPointer<UInt8>) {
    for byte in utf8 { append(byte: byte) }
  }

  /// Appends a text ended by a zero byte, with what cannot be shown as ``TextForm/line`` says: it may come from
  /// outside, as the name of a file does.
  public mutating func append(cString text: UnsafePointer<CChar>) {
    append(UnsafeBufferPointer(cString: text), as: .line)
  }

  /// Appends a number in decimal.
  public mutating func append(_ number: some BinaryInteger) {
    if number < 0 { append(byte: UInt8(ascii: "-")) }
    append(digits: UInt64(number.magnitude), atLeast: 1)
  }

  /// Appends a number rounded to `decimals` (0…9) places; beyond ±9e18 in units of the last place it
  /// is cut to that.
  @inline(never)
  public mutating func append(_ number: Double, decimals: Int) {
    guard number == number else { return append("nan") }
    if number < 0 { append(byte: UInt8(ascii: "-")) }
    var unit: UInt64 = 1
    for _ in 0..<decimals { unit *= 10 }
    let scaled = min((number.magnitude * Double(unit)).rounded(.toNearestOrEven), 9e18)
    let (whole, fraction) = UInt64(scaled).quotientAndRemainder(dividingBy: unit)
    append(digits: whole, atLeast: 1)
    if decimals > 0 {
      append(byte: UInt8(ascii: "."))
      append(digits: fraction, atLeast: decimals)
    }
  }

  /// Takes off what is behind the first `count` bytes.
  mutating func shorten(to count: Int) { self.count = min(count, self.count) }

  /// Appends spaces until the line is `column` bytes long.
  public mutating func pad(to column: Int) {
    while count < min(column, TextLine.capacity) { append(byte: UInt8(ascii: " ")) }
  }

  /// Appends one hexadecimal digit (0…15), lower case.
  public mutating func append(hexDigit digit: UInt8) {
    append(byte: digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
  }

  /// Writes the line and a newline to a file descriptor and empties the line.
  ///
  /// - Returns: Whether everything was written.
  @discardableResult
  public mutating func writeLine(to descriptor: Int32) -> Bool {
    if count == TextLine.capacity { count -= 1 }
    append(byte: UInt8(ascii: "\n"))
    return write(to: descriptor)
  }

  /// Writes the line to a file descriptor and empties the line.
  ///
  /// - Returns: Whether everything was written.
  @discardableResult
  public mutating func write(to descriptor: Int32) -> Bool {
    defer { count = 0 }
    let length = count
    return withUTF8 { text in
      var done = 0
      while done < length {
        let written = CResNetPlatform.write(descriptor, text.baseAddress! + done, length - done)
        if written < 0 && rn_errno() == EINTR { continue }
        guard written > 0 else { return false }
        done += written
      }
      return true
    }
  }

  /// Calls `body` with the bytes of the line.
  public func withUTF8<Result, Failure>(
    _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafePointer(to: bytes) { (storage) throws(Failure) in
      try storage.withMemoryRebound(to: UInt8.self, capacity: TextLine.capacity) {
        (start) throws(Failure) in
        try body(UnsafeBufferPointer(start: start, count: count))
      }
    }
  }

  @inline(never)
  private mutating func append(digits number: UInt64, atLeast width: Int) {
    var unit: UInt64 = 1
    var digits = 1
    while digits < 20 && (digits < width || number / unit >= 10) {
      unit *= 10
      digits += 1
    }
    while unit > 0 {
      append(byte: UInt8(ascii: "0") + UInt8(number / unit % 10))
      unit /= 10
    }
  }
}

#if !hasFeature(Embedded)
  extension String {
    /// The text of a line.
    public init(_ line: TextLine) {
      self = line.withUTF8 { String(decoding: $0, as: UTF8.self) }
    }
  }
#endif
