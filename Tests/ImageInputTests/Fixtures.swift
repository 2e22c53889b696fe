// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetImages
import ResNetPlanFormat
import ResNetPlatform

/// Pixels that a test expects or has got.
struct Pixels: Equatable {
  var width: Int
  var height: Int
  var bytes: [UInt8]

  init(width: Int, height: Int, bytes: [UInt8]) {
    (self.width, self.height, self.bytes) = (width, height, bytes)
  }

  init(_ image: borrowing RGBImage) {
    self.init(width: image.width, height: image.height, bytes: Array(image.pixels))
  }

  /// Reads a binary PPM of maximum 255.
  init(ppm url: URL) throws {
    let data = [UInt8](try Data(contentsOf: url))
    let fields = data.split(separator: 0x0A, maxSplits: 3, omittingEmptySubsequences: false)
    let sides = String(decoding: fields[1], as: UTF8.self).split(separator: " ").map { Int($0)! }
    self.init(width: sides[0], height: sides[1], bytes: Array(fields[3]))
  }
}

enum Fixtures {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "Fixtures")

  /// The development data beside the package; most checkouts do not have them.
  static let shared = folder.appending(path: "../../../../shared").standardizedFileURL

  static var hasShared: Bool {
    FileManager.default.fileExists(atPath: shared.appending(path: "models").path)
  }

  /// The names in one folder, without the expected pixels.
  static func names(in subfolder: String, endingWith suffixes: [String]) -> [String] {
    let path = folder.appending(path: subfolder).path
    let all = try! FileManager.default.contentsOfDirectory(atPath: path)
    return all.filter { name in suffixes.contains { name.hasSuffix($0) } }.sorted()
  }

  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appending(path: path)))
  }

  /// The source of the resize cases: byte i is bits 13 to 20 of i · 2654435761.
  static func noise(width: Int, height: Int) throws -> RGBImage {
    let image = try RGBImage(width: width, height: height)
    for index in image.pixels.indices {
      image.pixels[index] = UInt8(truncatingIfNeeded: (index &* 2_654_435_761) >> 13)
    }
    return image
  }
}

/// The pixels of encoded bytes, or the error.
///
/// The bytes are copied to the end of a block of their own, so that a sanitizer sees a read beyond.
func decode(_ bytes: [UInt8]) -> Result<Pixels, ImageError> {
  let block = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { block.deallocate() }
  block.copyBytes(from: bytes)
  do throws(ImageError) {
    let image = try RGBImage(encoded: UnsafeRawBufferPointer(block))
    return .success(Pixels(image))
  } catch {
    return .failure(error)
  }
}

/// The pixels of a preprocessed image.
func preprocessed(
  _ image: borrowing RGBImage, _ preprocessing: PreprocessingRecord
) throws(ImageError) -> Pixels {
  let crop = preprocessing.crop
  var bytes = [UInt8](repeating: 0xAA, count: 3 * crop.area)
  var span = bytes.mutableSpan
  try preprocess(image, as: preprocessing, into: &span)
  return Pixels(width: crop.width, height: crop.height, bytes: bytes)
}

/// What an error says.
func description(of error: ImageError) -> String {
  var line = TextLine()
  error.describe(to: &line)
  return String(line)
}
