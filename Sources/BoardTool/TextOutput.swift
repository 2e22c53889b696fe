// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
public import ResNetPlatform

/// Text of any length on its way to standard output or to a file.
public struct TextOutput: ~Copyable {
  private let descriptor: Int32
  /// Null for standard output.
  private let path: UnsafePointer<CChar>?
  private var pending = TextLine()
  private var failure: Int32?

  /// The bytes that `pending` has room for before every append.
  private static var room: Int { 512 }

  /// Text to standard output.
  public init() {
    descriptor = STDOUT_FILENO
    path = nil
  }

  /// Text to a file that outlives this value.
  public init(to file: borrowing OutputFile) {
    descriptor = file.descriptor
    path = file.path
  }

  /// Appends literal text of at most 512 bytes.
  public mutating func append(_ text: StaticString) {
    makeRoom()
    pending.append(text)
  }

  /// Appends a line's text, such as `"\(images) images"`. Text that may be long, such as a path or a label, has
  /// methods of its own, which cut nothing off.
  @_disfavoredOverload
  public mutating func append(_ text: TextLine) { text.withUTF8 { append($0) } }

  /// Appends one byte.
  public mutating func append(byte: UInt8) {
    makeRoom()
    pending.append(byte: byte)
  }

  /// Appends text that can be shown, UTF-8, as it is.
  public mutating func append(_ utf8: UnsafeBufferPointer<UInt8>) {
    for byte in utf8 { append(byte: byte) }
  }

  /// Appends text from outside.
  public mutating func append(_ text: UnsafeBufferPointer<UInt8>, as form: TextForm) {
    var index = 0
    while index < text.count {
      makeRoom()
      index += pending.append(firstOf: UnsafeBufferPointer(rebasing: text[index...]), as: form)
    }
  }

  /// Appends text from outside, ended by a zero byte.
  public mutating func append(cString text: UnsafePointer<CChar>, as form: TextForm = .line) {
    append(UnsafeBufferPointer(cString: text), as: form)
  }

  /// Appends text from outside as a JSON string, quotes included.
  public mutating func append(jsonString text: UnsafeBufferPointer<UInt8>) {
    append("\"")
    append(text, as: .json)
    append("\"")
  }

  /// Ends the line and writes everything that is still in memory.
  public mutating func endLine() throws(ToolFailure) {
    append("\n")
    flush()
    guard let failure else { return }
    if let path { throw .output(path, errno: failure) }
    throw .standardOutput(errno: failure)
  }

  private mutating func makeRoom() {
    if pending.count > TextLine.capacity - TextOutput.room { flush() }
  }

  private mutating func flush() {
    if !pending.write(to: descriptor) && failure == nil { failure = rn_errno() }
  }
}
