// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetImages
import ResNetPlanFormat
import ResNetPlatform
import Testing

@Suite struct ResizeTests {
  /// Names read "source width x height - result width x height".
  @Test(arguments: Fixtures.names(in: "resize", endingWith: [".ppm"]))
  func resizesAsPillowDoes(name: String) throws {
    let expected = try Pixels(ppm: Fixtures.folder.appending(path: "resize/\(name)"))
    let sides = name.dropLast(4).split { "x-".contains($0) }.map { Int($0)! }
    let source = try Fixtures.noise(width: sides[0], height: sides[1])
    let found = Pixels(try source.resized(width: sides[2], height: sides[3]))
    let same = found == expected
    #expect(same)
  }

  /// Names read "source width x height - shorter side - crop".
  @Test(arguments: Fixtures.names(in: "preprocess", endingWith: [".ppm"]))
  func preprocessesAsTorchvisionDoes(name: String) throws {
    let expected = try Pixels(ppm: Fixtures.folder.appending(path: "preprocess/\(name)"))
    let numbers = name.dropLast(4).split { "x-".contains($0) }.map { Int($0)! }
    let source = try Fixtures.noise(width: numbers[0], height: numbers[1])
    let found = try preprocessed(
      source, PreprocessingRecord(resize: numbers[2], crop: numbers[3]))
    let same = found == expected
    #expect(same)
  }

  /// What a line of preprocessing.txt says: a source, how it is prepared, the digest of the result.
  private struct Case {
    let source, digest: String
    let preprocessing: PreprocessingRecord
    /// Both sides of a plain resize.
    var sides: (width: Int, height: Int)?

    init(_ line: Substring) throws {
      let words = line.split(separator: " ").map { String($0) }
      let (size, crop) = (try Self.size(words[5]), try Self.size(words[6]))
      var record = PreprocessingRecord(resize: size, crop: crop)
      record.interpolation = try #require(
        [
          "bilinear": .bilinear, "bicubic": .bicubic, "nearest": .nearest, "lanczos": .lanczos,
          "box": .box,
        ][words[1]])
      if words[2] == "resize" {
        sides = (size.width, crop.width)
      } else {
        record.fit = try #require(
          ["crop": .crop, "squash": .squash, "letterbox": .letterbox][words[2]])
      }
      record.colors = try #require(["rgb": .rgb, "grey": .grey][words[3]])
      record.centring = try #require(["even": .halfToEven, "down": .down][words[4]])
      (source, digest, preprocessing) = (words[0], words[7], record)
    }

    /// A square's side, or height and width.
    private static func size(_ word: String) throws -> ImageSize {
      let sides = try word.split(separator: "x").map { try #require(Int($0)) }
      return ImageSize(height: sides[0], width: sides[sides.count - 1])
    }
  }

  private func image(_ source: String) throws -> RGBImage {
    guard source.first!.isNumber else {
      return try RGBImage(
        path: Fixtures.folder.appending(path: "../../../Models/examples/\(source).jpg").path)
    }
    let sides = source.split(separator: "x").map { Int($0)! }
    return try Fixtures.noise(width: sides[0], height: sides[1])
  }

  /// Five filters, three fits, grey, both ways to centre, squares and others.
  @Test func preparesAsPillowDoes() throws {
    let lines = String(decoding: try Fixtures.bytes("preprocessing.txt"), as: UTF8.self)
    let cases = try lines.split(separator: "\n").map { try Case($0) }
    #expect(cases.count == 590)
    for (line, test) in cases.enumerated() {
      let image = try image(test.source)
      let found: [UInt8]
      if let sides = test.sides {
        let resized = try image.resized(
          width: sides.width, height: sides.height, by: test.preprocessing.interpolation)
        found = Pixels(resized).bytes
      } else {
        found = try preprocessed(image, test.preprocessing).bytes
      }
      let digest = found.withUnsafeBytes { sha256Hex($0) }.prefix(16)
      #expect(digest == test.digest, "line \(line + 1)")
    }
  }

  @Test func refusesAbsurdSides() throws {
    let source = try Fixtures.noise(width: 4, height: 4)
    for (width, height) in [(0, 4), (16385, 4), (4, 16385)] {
      #expect(throws: ImageError.tooLarge(width: width, height: height)) {
        _ = try source.resized(width: width, height: height).width
      }
    }
  }

  @Test(.enabled(if: Fixtures.hasShared, "needs the development data in ../shared"))
  func photosGiveTheGoldenPixels() throws {
    let models = Fixtures.shared.appending(path: "models")
    let listing = try String(
      contentsOf: models.appending(path: "resnet18-imagenette.golden.txt"), encoding: .utf8)
    let data = try Data(
      contentsOf: models.appending(path: "resnet18-imagenette.golden.safetensors"))
    // A safetensors file: length of the header in 8 bytes, header in JSON, tensors.
    let headerEnd = 8 + data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try #require(
      JSONSerialization.jsonObject(with: data[8..<headerEnd]) as? [String: Any])
    let tensor = try #require(header["pixels"] as? [String: Any])
    let offsets = try #require(tensor["data_offsets"] as? [Int])
    let golden = data[headerEnd + offsets[0]..<headerEnd + offsets[1]]
    let size = 3 * 224 * 224
    try #require(golden.count == 10 * size)
    let photos = Fixtures.shared.appending(path: "data/imagenette/validation")
    for (index, name) in listing.split(separator: "\n").prefix(10).enumerated() {
      let image = try RGBImage(path: photos.appending(path: String(name)).path)
      let found = try preprocessed(image, PreprocessingRecord(resize: 256, crop: 224))
      let same = found.bytes.elementsEqual(golden.dropFirst(index * size).prefix(size))
      #expect(same, "\(name)")
    }
  }
}
