// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// Calls `body` for every byte of a text, with a question mark for each that is not UTF-8: names of
/// files may be any bytes, JSON and SVG may not.
func forEachByteOfValidUTF8(_ text: UnsafePointer<CChar>, _ body: (UInt8) -> Void) {
  let bytes = UnsafeBufferPointer(
    start: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self), count: strlen(text))
  var index = 0
  while index < bytes.count {
    let length = sequenceLength(UnsafeBufferPointer(rebasing: bytes[index...]))
    if length == 0 { body(UInt8(ascii: "?")) }
    for offset in 0..<length { body(bytes[index + offset]) }
    index += max(length, 1)
  }
}

/// The bytes of the character that a text starts with, or 0 if it is none (Unicode, table 3-7).
private func sequenceLength(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
  let length: Int
  var second: ClosedRange<UInt8> = 0x80...0xBF
  switch bytes[0] {
  case 0..<0x80: return 1
  case 0xC2...0xDF: length = 2
  case 0xE0...0xEF: length = 3
  case 0xF0...0xF4: length = 4
  default: return 0
  }
  switch bytes[0] {
  case 0xE0: second = 0xA0...0xBF
  case 0xED: second = 0x80...0x9F
  case 0xF0: second = 0x90...0xBF
  case 0xF4: second = 0x80...0x8F
  default: break
  }
  guard bytes.count >= length, second ~= bytes[1] else { return 0 }
  for index in 2..<max(length, 2) where !(0x80...0xBF ~= bytes[index]) { return 0 }
  return length
}
