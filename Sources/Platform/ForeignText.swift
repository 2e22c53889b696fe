// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// Where text from outside goes, which decides how what cannot be shown is written.
///
/// Names of files and words of a command line may be any bytes. What cannot be shown is a byte that is no UTF-8, a
/// control character (C0, DEL, C1), a line or paragraph separator (U+2028, U+2029), and what turns the direction
/// of text around it (U+202A–202E, U+2066–2069): it could steer a terminal, forge a line or show a name as another.
public enum TextForm: Sendable {
  /// A line for people: each byte of what cannot be shown as `\x1b`.
  case line
  /// A string of JSON, without its quotes: characters that cannot be shown as `\u001b`, each byte that is no UTF-8
  /// as U+FFFD.
  case json
  /// Text or the value of an attribute in XML or HTML, which have no way to write most control characters: what
  /// cannot be shown as U+FFFD.
  case xml
}

/// A character of text from outside, or a byte that is none.
private enum ForeignCharacter {
  case shown(byteCount: Int)
  /// One that cannot be shown, below U+10000.
  case hidden(UInt16, byteCount: Int)
  /// A byte that is no UTF-8.
  case none

  /// Reads the first character of a text of at least one byte (Unicode, table 3-7).
  init(_ text: UnsafeBufferPointer<UInt8>) {
    let first = text[0]
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch first {
    case 0x20..<0x7F:
      self = .shown(byteCount: 1)
      return
    case 0..<0x80:
      self = .hidden(UInt16(first), byteCount: 1)
      return
    case 0xC2...0xDF: length = 2
    case 0xE0...0xEF: length = 3
    case 0xF0...0xF4: length = 4
    default:
      self = .none
      return
    }
    switch first {
    case 0xE0: second = 0xA0...0xBF
    case 0xED: second = 0x80...0x9F
    case 0xF0: second = 0x90...0xBF
    case 0xF4: second = 0x80...0x8F
    default: break
    }
    self = .none
    guard text.count >= length, second ~= text[1] else { return }
    for index in 2..<max(length, 2) where !(0x80...0xBF ~= text[index]) { return }
    self = .shown(byteCount: length)
    guard length < 4 else { return }
    var code = UInt16(first & (length == 2 ? 0x1F : 0x0F))
    for index in 1..<length { code = code << 6 | UInt16(text[index] & 0x3F) }
    switch code {
    case 0x80...0x9F, 0x2028...0x202E, 0x2066...0x2069: self = .hidden(code, byteCount: length)
    default: break
    }
  }
}

/// The first byte of a text where a character begins that cannot be shown, nil if there is none.
///
/// - Parameter isAllowed: tells which of these may be there after all, such as line feeds.
/// - Complexity: O(bytes).
/// - **Allocates:** nothing.
public func firstHiddenByte(
  _ text: UnsafeBufferPointer<UInt8>, where isAllowed: (UInt16) -> Bool = { _ in false }
) -> Int? {
  var index = 0
  while index < text.count {
    switch ForeignCharacter(UnsafeBufferPointer(rebasing: text[index...])) {
    case .shown(let count): index += count
    case .hidden(let code, let count):
      guard isAllowed(code) else { return index }
      index += count
    case .none: return index
    }
  }
  return nil
}

extension TextLine {
  /// Appends text from outside.
  ///
  /// - **Allocates:** nothing.
  @inline(never)
  public mutating func append(_ text: UnsafeBufferPointer<UInt8>, as form: TextForm) {
    var index = 0
    while index < text.count {
      index += append(firstOf: UnsafeBufferPointer(rebasing: text[index...]), as: form)
    }
  }

  /// Appends the first character of a text of at least one byte, or the byte that is none: at most 12 bytes, and
  /// never a part of them.
  ///
  /// - Returns: the bytes of the text that were taken.
  public mutating func append(
    firstOf text: UnsafeBufferPointer<UInt8>, as form: TextForm
  ) -> Int {
    let start = count
    let taken: Int
    switch ForeignCharacter(text) {
    case .shown(1):
      taken = 1
      append(shown: text[0], as: form)
    case .shown(let length):
      taken = length
      for index in 0..<length { append(byte: text[index]) }
    case .hidden(let code, let length):
      taken = length
      switch form {
      case .line: for index in 0..<length { append(hidden: text[index]) }
      case .json:
        append("\\u")
        for digit in 0..<4 { append(hexDigit: UInt8(code >> (12 - 4 * UInt16(digit)) & 15)) }
      case .xml: append("\u{FFFD}")
      }
    case .none:
      taken = 1
      form == .line ? append(hidden: text[0]) : append("\u{FFFD}")
    }
    // What fills the line may be cut off in the middle.
    if count == TextLine.capacity { shorten(to: start) }
    return taken
  }

  private mutating func append(shown byte: UInt8, as form: TextForm) {
    switch (form, byte) {
    case (.json, UInt8(ascii: "\"")): append("\\\"")
    case (.json, UInt8(ascii: "\\")): append("\\\\")
    case (.xml, UInt8(ascii: "&")): append("&amp;")
    case (.xml, UInt8(ascii: "<")): append("&lt;")
    case (.xml, UInt8(ascii: ">")): append("&gt;")
    case (.xml, UInt8(ascii: "\"")): append("&quot;")
    default: append(byte: byte)
    }
  }

  private mutating func append(hidden byte: UInt8) {
    append("\\x")
    append(hexDigit: byte >> 4)
    append(hexDigit: byte & 15)
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// The bytes of a text before the zero byte that ends it.
  public init(cString text: UnsafePointer<CChar>) {
    self.init(
      start: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self), count: strlen(text))
  }
}

#if !hasFeature(Embedded)
  extension String {
    /// Text from outside, with what cannot be shown as ``TextForm`` says.
    public init(_ text: String, as form: TextForm) {
      var (text, line) = (text, TextLine())
      self = text.withUTF8 { bytes in
        var (result, index) = ("", 0)
        while index < bytes.count {
          index += line.append(
            firstOf: UnsafeBufferPointer(rebasing: bytes[index...]), as: form)
          guard line.count > TextLine.capacity / 2 || index == bytes.count else { continue }
          result += String(line)
          line = TextLine()
        }
        return result
      }
    }

    /// The first character that cannot be shown, nil if there is none.
    ///
    /// - Complexity: O(bytes).
    public var firstHiddenCharacter: Unicode.Scalar? {
      var text = self
      let found = text.withUTF8 { firstHiddenByte($0) }
      return found.map { text.unicodeScalars[text.utf8.index(text.startIndex, offsetBy: $0)] }
    }
  }

  /// What is expected where text has characters that cannot be shown.
  public let printableText = "text without control characters"

  /// A character by its number, such as U+001B.
  public func codePoint(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
#endif
