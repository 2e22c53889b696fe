// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetImages
import Testing

@Suite struct DecodingTests {
  @Test(arguments: Fixtures.names(in: "decode", endingWith: [".jpg", ".png"]))
  func decodesAsPillowDoes(name: String) throws {
    let path = Fixtures.folder.appending(path: "decode/\(name)").path
    let expected = try Pixels(ppm: Fixtures.folder.appending(path: "decode/\(name).ppm"))
    let found = Pixels(try RGBImage(path: path))
    let same = found == expected
    #expect(same, "\(name): expected \(expected.width) x \(expected.height)")
  }

  @Test func namesTheSystemErrorOfAMissingFile() throws {
    let error = #expect(throws: ImageError.self) { _ = try RGBImage(path: "/no/such.jpg").width }
    #expect(error == .file(.system(errno: ENOENT)))
    #expect(description(of: error!) == "No such file or directory")
  }

  @Test(arguments: [[], [0xFF], [0xFF, 0xD8], Array("text".utf8), Array("\u{89}PNG\r\n".utf8)])
  func refusesOtherFormats(bytes: [UInt8]) {
    #expect(decode(bytes) == .failure(.unrecognizedFormat))
  }

  @Test(arguments: [
    ("GIF89a", OtherFormat.gif), ("BM......", .bmp), ("RIFF....WEBPVP8 ", .webp),
    ("....ftypheic", .heif), ("....ftypavif", .avif), ("II*\0", .tiff), ("<!DOCTYPE html>", .html),
  ])
  func namesFormatsThatItDoesNotRead(text: String, format: OtherFormat) {
    #expect(decode(Array(text.utf8)) == .failure(.otherFormat(format)))
    #expect(
      description(of: .otherFormat(.webp))
        == "expected a JPEG or PNG image, found WebP: convert it")
  }

  @Test func refusesTwoComponents() throws {
    // The headers of frame and scan of a small JPEG, rewritten to hold two components of three.
    var bytes = try Fixtures.bytes("decode/ycbcr444.jpg")
    let frame = try #require(bytes.firstRange(of: [0xFF, 0xC0])).lowerBound
    bytes[frame + 3] = 14
    bytes[frame + 9] = 2
    bytes.removeSubrange(frame + 16..<frame + 19)
    let scan = try #require(bytes.firstRange(of: [0xFF, 0xDA])).lowerBound
    bytes[scan + 3] = 10
    bytes[scan + 4] = 2
    bytes.removeSubrange(scan + 9..<scan + 11)
    guard case .failure(.unsupported(.jpeg, let message)) = decode(bytes) else {
      Issue.record("expected an unsupported image, found \(decode(bytes))")
      return
    }
    #expect(
      description(of: .unsupported(.jpeg, message))
        == "found a JPEG image that is not supported: "
        + "a number of colour components other than 1, 3 and 4")
  }

  @Test func makesAnImageOfGivenSides() throws {
    let image = try RGBImage(width: 3, height: 2)
    #expect(image.pixels.count == 18)
    for (width, height) in [(0, 1), (1, 0), (-1, -1), (16385, 1), (1, 16385)] {
      #expect(throws: ImageError.tooLarge(width: width, height: height)) {
        _ = try RGBImage(width: width, height: height).width
      }
    }
  }
}
