// SPDX-License-Identifier: Apache-2.0

extension StaticString {
  /// The text as C reads it: ended by a zero byte.
  public var cString: UnsafePointer<CChar> {
    UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
  }
}
