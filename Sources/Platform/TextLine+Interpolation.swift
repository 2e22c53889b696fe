// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// What tells about itself in words, with or without `String`: above all errors.
public protocol TextDescribable {
  /// Appends the words: for an error what was expected and what was found.
  func describe(to line: inout TextLine)
}

extension TextLine: ExpressibleByStringInterpolation {
  /// The parts of a line such as `"expected \(expected) bytes, found \(found)"`, put together in place.
  ///
  /// - **Allocates:** nothing.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var line = TextLine()

    public init(literalCapacity: Int, interpolationCount: Int) {}

    /// Literal text.
    public mutating func appendLiteral(_ literal: StaticString) { line.append(literal) }

    /// Text of the program.
    public mutating func appendInterpolation(_ text: StaticString) { line.append(text) }

    /// Text ended by a zero byte, perhaps from outside: see ``TextLine/append(cString:)``.
    public mutating func appendInterpolation(_ text: UnsafePointer<CChar>) {
      line.append(cString: text)
    }

    /// Another line.
    public mutating func appendInterpolation(_ other: TextLine) { line.append(other) }

    /// An integer in decimal.
    public mutating func appendInterpolation(_ number: some BinaryInteger) { line.append(number) }

    /// A number rounded to `decimals` (0…9) places.
    public mutating func appendInterpolation(_ number: Double, decimals: Int) {
      line.append(number, decimals: decimals)
    }

    /// A number as JSON, which has no infinities and NaNs: they become null.
    public mutating func appendInterpolation(json number: Double, decimals: Int) {
      number.isFinite ? line.append(number, decimals: decimals) : line.append("null")
    }

    /// What the system says about an `errno`.
    public mutating func appendInterpolation(errno code: Int32) {
      line.append(cString: strerror(code))
    }

    /// The words for something, such as the error behind an error.
    public mutating func appendInterpolation(_ subject: some TextDescribable) {
      subject.describe(to: &line)
    }
  }

  public init(stringLiteral text: StaticString) {
    self.init()
    append(text)
  }

  public init(stringInterpolation parts: StringInterpolation) { self = parts.line }

  /// Appends another line. A literal without interpolation is appended as what it is, a `StaticString`.
  @_disfavoredOverload
  public mutating func append(_ other: TextLine) { other.withUTF8 { append($0) } }
}

#if !hasFeature(Embedded)
  extension TextDescribable {
    /// The words as a string.
    public var description: String {
      var line = TextLine()
      describe(to: &line)
      return String(line)
    }
  }
#endif
