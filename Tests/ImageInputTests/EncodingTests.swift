// SPDX-License-Identifier: Apache-2.0

import ResNetImages
import TestPlans
import Testing

/// Images as JPEG files.
@Suite struct EncodingTests {
  @Test func whatIsEncodedIsDecodedAlike() throws {
    // Noise, so that libjpeg's buffer has to grow several times.
    let image = try RGBImage(width: 256, height: 256)
    _ = image.pixels.update(fromContentsOf: testImage(256, seed: 3))
    var (byteCount, difference) = (0, 0)
    let code = try image.withJPEG { (bytes) throws(ImageError) in
      let decoded = try RGBImage(encoded: bytes)
      byteCount = bytes.count
      for index in image.pixels.indices {
        difference += abs(Int(image.pixels[index]) - Int(decoded.pixels[index]))
      }
    }
    #expect(code == 0 && byteCount > 65536)
    #expect(difference < 10 * image.pixels.count)
  }
}
