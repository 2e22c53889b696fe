// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// A path made of several texts.
public struct Path: ~Copyable {
  private let bytes: Buffer<CChar>

  /// The text, ended by a zero byte; valid as long as this value lives.
  public var text: UnsafeMutablePointer<CChar> { bytes.elements.baseAddress! }

  /// The path of an entry of a folder.
  public init(_ folder: UnsafePointer<CChar>, _ name: UnsafePointer<CChar>) throws(ToolFailure) {
    let count = strlen(folder)
    bytes = try Buffer(count: count + strlen(name) + 2)
    strcpy(text, folder)
    // A folder given as "photos/" should not appear as "photos//" in messages.
    if count == 0 || folder[count - 1] != 0x2F {
      text[count] = 0x2F
      strcpy(text + count + 1, name)
    } else {
      strcpy(text + count, name)
    }
  }

  // Embedded Swift destroys the parts of a value of another module only through a deinit of its own.
  deinit {}
}
