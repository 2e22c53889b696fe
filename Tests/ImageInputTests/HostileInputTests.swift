// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetImages
import TestPlans
import Testing

/// Damaged files give an error or an image, never a crash.
@Suite struct HostileInputTests {
  static let samples = [
    "ycbcr420.jpg", "progressive.jpg", "cmyk.jpg", "orientation-6.jpg", "palette4-interlaced.png",
    "rgb16.png", "orientation-after.png",
  ]

  @Test(arguments: samples)
  func everyTruncationIsAnError(name: String) throws {
    let bytes = try Fixtures.bytes("decode/\(name)")
    let format: ImageFormat = name.hasSuffix(".jpg") ? .jpeg : .png
    let signature = format == .jpeg ? 3 : 8
    for count in 0..<bytes.count {
      let error: ImageError = count < signature ? .unrecognizedFormat : .truncated(format)
      let found = decode(Array(bytes[..<count]))
      let same = found == .failure(error)
      #expect(same, "\(count) of \(bytes.count) bytes")
    }
  }

  @Test(arguments: samples)
  func flippedBytesNeverCrash(name: String) throws {
    let bytes = try Fixtures.bytes("decode/\(name)")
    var errors = 0
    let rounds = 3000
    for seed in 0..<rounds {
      switch decode(damaged(bytes, UInt64(seed))) {
      case .success(let pixels):
        #expect(pixels.bytes.count == 3 * pixels.width * pixels.height)
      case .failure(let error):
        errors += 1
        #expect(!description(of: error).isEmpty)
      }
    }
    // A wrong byte in a PNG is a wrong checksum; in a JPEG it often stays a valid picture.
    #expect(errors > (name.hasSuffix(".png") ? rounds * 9 / 10 : rounds / 20))
  }

  @Test func flippedExifBytesNeverCrash() throws {
    let bytes = try Fixtures.bytes("decode/orientation-5.jpg")
    let exif = try #require(bytes.firstRange(of: Array("Exif".utf8))).lowerBound
    for index in exif..<exif + 44 {
      for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
        var damaged = bytes
        damaged[index] = value
        // The picture is whole, whatever its orientation.
        let pixels = try decode(damaged).get()
        #expect(pixels.width + pixels.height == 30)
      }
    }
  }

  @Test func aWrongChecksumIsAnError() throws {
    let bytes = try Fixtures.bytes("decode/orientation-after.png")
    for kind in ["IHDR", "IDAT", "eXIf", "IEND"] {
      var damaged = bytes
      let start = try #require(bytes.firstRange(of: Array(kind.utf8))).lowerBound
      let length = bytes[start - 4..<start].reduce(0) { $0 << 8 | Int($1) }
      damaged[start + 4 + length] ^= 1
      guard case .failure(.corrupt(.png, let message)) = decode(damaged) else {
        Issue.record("\(kind): found \(decode(damaged))")
        continue
      }
      #expect(description(of: .corrupt(.png, message)).contains("CRC"))
    }
  }

  @Test func damageThatCannotBeReadOverIsAnErrorWithTheDecodersWords() throws {
    var bytes = try Fixtures.bytes("decode/ycbcr444.jpg")
    // A quantization table of a number that does not exist.
    let table = try #require(bytes.firstRange(of: [0xFF, 0xDB])).lowerBound
    bytes[table + 4] = 15
    guard case .failure(.corrupt(.jpeg, let message)) = decode(bytes) else {
      Issue.record("found \(decode(bytes))")
      return
    }
    #expect(description(of: .corrupt(.jpeg, message)).contains("DQT"))
  }

  /// Pillow reads this one too: the last row does not need what is missing.
  @Test func aMissingEndMarkerHarmsNoPixel() throws {
    let bytes = try Fixtures.bytes("decode/ycbcr444.jpg")
    let same = decode(bytes.dropLast(2)) == decode(bytes)
    #expect(same)
    #expect(decode(bytes.dropLast(3)) == .failure(.truncated(.jpeg)))
  }

  @Test(arguments: [(65535, 65535), (16385, 1), (1, 16385), (65501, 1)])
  func absurdJPEGSidesAreTooLarge(width: Int, height: Int) throws {
    var bytes = try Fixtures.bytes("decode/ycbcr444.jpg")
    let frame = try #require(bytes.firstRange(of: [0xFF, 0xC0])).lowerBound
    for (offset, side) in [(5, height), (7, width)] {
      bytes[frame + offset] = UInt8(side >> 8)
      bytes[frame + offset + 1] = UInt8(side & 255)
    }
    let found = decode(bytes)
    #expect(found == .failure(.tooLarge(width: width, height: height)))
    #expect(
      description(of: .tooLarge(width: width, height: height))
        == "expected an image of sides 1 to 16384 and at most 268435456 pixels, "
        + "found \(width) x \(height)")
  }

  @Test(arguments: [(0x7FFF_FFFF, 0x7FFF_FFFF), (16385, 1), (1, 16385)])
  func absurdPNGSidesAreTooLarge(width: Int, height: Int) throws {
    var bytes = try Fixtures.bytes("decode/rgb8.png")
    for (offset, side) in [(16, width), (20, height)] {
      for byte in 0..<4 { bytes[offset + byte] = UInt8(side >> (24 - 8 * byte) & 255) }
    }
    let checksum = crc32(bytes[12..<29])
    for byte in 0..<4 { bytes[29 + byte] = UInt8(checksum >> (24 - 8 * UInt32(byte)) & 255) }
    #expect(decode(bytes) == .failure(.tooLarge(width: width, height: height)))
  }
}

/// The checksum of PNG chunks.
private func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  var remainder = UInt32.max
  for byte in bytes {
    remainder ^= UInt32(byte)
    for _ in 0..<8 {
      remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0xEDB8_8320 : remainder >> 1
    }
  }
  return ~remainder
}
