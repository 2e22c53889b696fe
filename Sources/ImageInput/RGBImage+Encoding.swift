// SPDX-License-Identifier: Apache-2.0

import CResNetImageCodecs
import CResNetPlatform

extension RGBImage {
  /// Calls `body` with the image as a JPEG file of quality 95, colours at full resolution.
  ///
  /// - Returns: 0, or why it was not encoded: an `errno`.
  /// - Throws: what `body` throws.
  /// - **Allocates:** the file and libjpeg's working memory, freed before it returns.
  package func withJPEG<Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) -> Int32 {
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    let code = rn_encode_jpeg(
      pixels.baseAddress!, UInt32(width), UInt32(height), 95, &bytes, &count)
    guard code == 0 else { return code }
    defer { free(bytes) }
    try body(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
  }
}
