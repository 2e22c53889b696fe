// SPDX-License-Identifier: Apache-2.0

import CPlatform
import Platform

/// Standard output, for lines of any length.
struct StandardOutput: ~Copyable {
  private var pending = TextLine()
  private var failure: Int32?

  /// The bytes that `pending` has room for before every append.
  private static var room: Int { 512 }

  /// Appends literal text of at most 512 bytes.
  mutating func append(_ text: StaticString) {
    makeRoom()
    pending.append(text)
  }

  /// Appends a number in decimal.
  mutating func append(_ number: Int) {
    makeRoom()
    pending.append(number)
  }

  /// Appends a number rounded to `decimals` (0…9) places.
  mutating func append(_ number: Double, decimals: Int) {
    makeRoom()
    pending.append(number, decimals: decimals)
  }

  /// Appends a number as JSON, which has no infinities and NaNs: they become null.
  mutating func append(jsonNumber number: Double, decimals: Int) {
    if number.isFinite {
      append(number, decimals: decimals)
    } else {
      append("null")
    }
  }

  /// Appends UTF-8 bytes as they are.
  mutating func append(_ utf8: UnsafeBufferPointer<UInt8>) {
    for byte in utf8 {
      makeRoom()
      pending.append(byte: byte)
    }
  }

  /// Appends a null-terminated string as it is.
  mutating func append(cString text: UnsafePointer<CChar>) {
    append(bytes(of: text))
  }

  /// Appends text as a JSON string, quotes included.
  mutating func append(jsonString utf8: UnsafeBufferPointer<UInt8>) {
    append("\"")
    for byte in utf8 {
      makeRoom()
      pending.append(jsonByte: byte)
    }
    append("\"")
  }

  /// Appends a null-terminated string as a JSON string, quotes included.
  mutating func append(jsonCString text: UnsafePointer<CChar>) {
    append(jsonString: bytes(of: text))
  }

  /// Ends the line and writes it.
  mutating func endLine() throws(RunError) {
    append("\n")
    flush()
    if let failure { throw .standardOutput(errno: failure) }
  }

  private func bytes(of text: UnsafePointer<CChar>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(
      start: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self), count: strlen(text))
  }

  private mutating func makeRoom() {
    if pending.count > TextLine.capacity - StandardOutput.room { flush() }
  }

  private mutating func flush() {
    if !pending.write(to: STDOUT_FILENO) && failure == nil { failure = rn_errno() }
  }
}
