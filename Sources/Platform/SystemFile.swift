// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// What the system tells in a file below /sys or /proc, or through a command: the first 4 KB.
public struct SystemFile {
  /// Ends with a zero byte.
  private var text = InlineArray<4096, CChar>(repeating: 0)

  /// Reads a file, if there is one.
  public init?(_ path: TextLine) {
    var path = path
    path.append(byte: 0)
    let file = path.withUTF8 {
      fopen(
        UnsafeRawPointer($0.baseAddress!).assumingMemoryBound(to: CChar.self),
        ("re" as StaticString).cString)
    }
    guard let file else { return nil }
    let isRead = read(file)
    guard fclose(file) == 0, isRead else { return nil }
  }

  /// Reads what a command prints, if it succeeds.
  public init?(outputOf command: StaticString) {
    guard let output = popen(command.cString, ("re" as StaticString).cString) else { return nil }
    let isRead = read(output)
    guard pclose(output) == 0, isRead else { return nil }
  }

  private mutating func read(_ file: UnsafeMutablePointer<FILE>) -> Bool {
    withUnsafeMutableBytes(of: &text) { fread($0.baseAddress!, 1, $0.count - 1, file) > 0 }
  }

  /// The rest of the first line that starts with `key`, without what cannot be printed; device trees end texts
  /// with a zero byte.
  public func line(after key: StaticString = "") -> TextLine? {
    find(key) { text in
      var line = TextLine()
      var next = text
      while next.pointee != 0, next.pointee != 0x0A {
        if 0x20..<0x7F ~= next.pointee { line.append(byte: UInt8(next.pointee)) }
        next += 1
      }
      return line
    }
  }

  /// The rest of the first line that starts with `key` as a number of 0 or more.
  public func number(after key: StaticString = "", base: Int32 = 10) -> Int? {
    find(key) { text in
      var end: UnsafeMutablePointer<CChar>?
      let number = strtol(text, &end, base)
      let isWhole = end! > text && (end!.pointee == 0 || end!.pointee == 0x0A)
      return isWhole && number >= 0 ? number : nil
    }
  }

  /// The number above 0 that starts the rest of the first line that starts with `key`.
  public func decimal(after key: StaticString) -> Double? {
    find(key) { text in
      let number = strtod(text, nil)
      return number > 0 ? number : nil
    }
  }

  /// The first line as a number of thousandths, such as kHz in MHz.
  public var thousandths: Double? { number().map { Double($0) / 1000 } }

  /// Whether the text starts with another.
  public func starts(with other: StaticString) -> Bool {
    withText { strncmp($0, other.cString, other.utf8CodeUnitCount) == 0 }
  }

  /// Calls `body` with the text behind `key` at the start of a line, and behind spaces and a colon or an equals
  /// sign.
  private func find<Result>(
    _ key: StaticString, _ body: (UnsafePointer<CChar>) -> Result?
  ) -> Result? {
    withText { text in
      var line = text
      while strncmp(line, key.cString, key.utf8CodeUnitCount) != 0 {
        guard let end = strchr(line, 0x0A) else { return nil }
        line = UnsafePointer(end) + 1
      }
      line += key.utf8CodeUnitCount
      return body(line + strspn(line, (" \t:=" as StaticString).cString))
    }
  }

  private func withText<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    withUnsafeBytes(of: text) { body($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
  }
}
