// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform

/// What the system tells in a file below /sys or /proc: the first 4 KB.
struct SystemFile {
  private var text = TextLine()

  /// Reads a file, if there is one.
  init?(_ path: TextLine) {
    var path = path
    path.append(byte: 0)
    let descriptor = path.withUTF8 {
      rn_open_read(UnsafeRawPointer($0.baseAddress!).assumingMemoryBound(to: CChar.self))
    }
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var chunk = InlineArray<256, UInt8>(repeating: 0)
    while text.count < TextLine.capacity {
      let count = read(descriptor, &chunk, 256)
      guard count > 0 else { break }
      for index in 0..<count { text.append(byte: chunk[index]) }
    }
    guard text.count > 0 else { return nil }
  }

  /// The first line, without what cannot be printed; device trees end texts with a zero byte.
  var line: TextLine {
    text.withUTF8 { SystemFile.line($0, from: 0) }
  }

  /// The first line as a decimal number.
  var number: Int? {
    line.withUTF8 { digits in
      var number = 0
      for digit in digits {
        guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit, number < 1 << 48 else { return nil }
        number = number * 10 + Int(digit - UInt8(ascii: "0"))
      }
      return digits.isEmpty ? nil : number
    }
  }

  /// The first line as a decimal number of thousandths, such as kHz in MHz.
  var thousandths: Double? { number.map { Double($0) / 1000 } }

  /// The first line as a hexadecimal number, with or without 0x.
  var hexadecimal: Int? {
    line.withUTF8 { text in
      var number = 0
      for index in 0..<text.count {
        if index == 1, text[0] == UInt8(ascii: "0"), text[1] | 0x20 == UInt8(ascii: "x") {
          continue
        }
        guard let digit = Int(hexDigit: text[index]), number < 1 << 48 else { return nil }
        number = number * 16 + digit
      }
      return text.isEmpty ? nil : number
    }
  }

  /// The text after `key` and a colon at the start of a line.
  func value(of key: StaticString) -> TextLine? {
    text.withUTF8 { bytes in
      let length = key.utf8CodeUnitCount
      var start = 0
      while start + length < bytes.count {
        if memcmp(bytes.baseAddress! + start, key.utf8Start, length) == 0 {
          var next = start + length
          while next < bytes.count, bytes[next] == 0x20 || bytes[next] == 0x09 { next += 1 }
          if next < bytes.count, bytes[next] == UInt8(ascii: ":") {
            next += 1
            while next < bytes.count, bytes[next] == 0x20 { next += 1 }
            return SystemFile.line(bytes, from: next)
          }
        }
        while start < bytes.count, bytes[start] != 0x0A { start += 1 }
        start += 1
      }
      return nil
    }
  }

  private static func line(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> TextLine {
    var line = TextLine()
    for index in start..<bytes.count {
      guard bytes[index] != 0x0A else { break }
      if 0x20..<0x7F ~= bytes[index] { line.append(byte: bytes[index]) }
    }
    return line
  }
}

extension TextLine {
  /// Whether the line starts with some text.
  func starts(with text: StaticString) -> Bool {
    count >= text.utf8CodeUnitCount
      && withUTF8 { memcmp($0.baseAddress!, text.utf8Start, text.utf8CodeUnitCount) == 0 }
  }
}
