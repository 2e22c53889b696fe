// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetImages
import TestPlans
import Testing

/// A frame's size, format and colours.
private struct Frame: Sendable {
  var width: Int
  var height: Int
  var format: FrameFormat
  var matrix = ColourMatrix.bt601
  var range = ColourRange.full
  var stride = 0
  var chromaStride = 0

  func converter() throws(ImageError) -> FrameConverter {
    try FrameConverter(
      width: width, height: height, format: format, stride: stride,
      chromaStride: chromaStride, matrix: matrix, range: range)
  }

  func pixels(_ bytes: [UInt8]) throws -> [UInt8] {
    let converter = try converter()
    try #require(bytes.count == converter.byteCount)
    let image = try RGBImage(width: width, height: height)
    converter.convert(bytes, into: image)
    return Array(image.pixels)
  }
}

/// The conversion as it is defined, a pixel at a time.
private func reference(_ frame: Frame, _ bytes: [UInt8]) -> [UInt8] {
  let (red, blue) = frame.matrix == .bt601 ? (0.299, 0.114) : (0.2126, 0.0722)
  let isFull = frame.range == .full
  func units(_ value: Double) -> Int { Int((value * 65536).rounded()) }
  let luma = units(isFull ? 1 : 255 / 219)
  let unit = isFull ? 1 : 255.0 / 224
  let redV = units(2 * (1 - red) * unit)
  let blueU = units(2 * (1 - blue) * unit)
  let greenU = units(-2 * (1 - blue) * blue / (1 - red - blue) * unit)
  let greenV = units(-2 * (1 - red) * red / (1 - red - blue) * unit)
  var result: [UInt8] = []
  for y in 0..<frame.height {
    for x in 0..<frame.width {
      let (width, height) = (frame.width, frame.height)
      func byte(_ index: Int) -> Int { Int(bytes[index]) }
      let sample: (y: Int, u: Int, v: Int)
      // Bytes of two pixels in the first plane.
      let pair = [.yuyv, .yvyu, .uyvy].contains(frame.format) ? 4 : frame.format.isColour ? 6 : 2
      let stride = frame.stride == 0 ? width / 2 * pair : frame.stride
      let half = frame.chromaStride == 0 ? stride / 2 : frame.chromaStride
      let whole = frame.chromaStride == 0 ? stride : frame.chromaStride
      let (row, planes) = (y * stride, stride * height)
      switch frame.format {
      case .yuv420:
        let place = planes + y / 2 * half + x / 2
        sample = (byte(row + x), byte(place), byte(place + half * (height / 2)))
      case .yuv422:
        let place = planes + y * half + x / 2
        sample = (byte(row + x), byte(place), byte(place + half * height))
      case .nv12, .nv21:
        let place = planes + whole * (y / 2) + x / 2 * 2
        let pair = (byte(place), byte(place + 1))
        sample =
          frame.format == .nv12 ? (byte(row + x), pair.0, pair.1) : (byte(row + x), pair.1, pair.0)
      case .yuyv: sample = (byte(row + 2 * x), byte(row + x / 2 * 4 + 1), byte(row + x / 2 * 4 + 3))
      case .yvyu: sample = (byte(row + 2 * x), byte(row + x / 2 * 4 + 3), byte(row + x / 2 * 4 + 1))
      case .uyvy:
        sample = (byte(row + 2 * x + 1), byte(row + x / 2 * 4), byte(row + x / 2 * 4 + 2))
      case .gray8: sample = (byte(row + x), 128, 128)
      case .rgb24, .bgr24:
        let pixel = bytes[row + 3 * x..<row + 3 * x + 3]
        result += frame.format == .rgb24 ? Array(pixel) : pixel.reversed()
        continue
      }
      let base = luma * (sample.y - (isFull ? 0 : 16)) + 32768
      let (u, v) = (sample.u - 128, sample.v - 128)
      for value in [base + redV * v, base + greenU * u + greenV * v, base + blueU * u] {
        result.append(UInt8(min(max(value >> 16, 0), 255)))
      }
    }
  }
  return result
}

@Suite struct FrameTests {
  private static let formats: [(String, FrameFormat)] = [
    ("yuv420", .yuv420), ("yuv422", .yuv422), ("nv12", .nv12), ("nv21", .nv21), ("yuyv", .yuyv),
    ("yvyu", .yvyu), ("uyvy", .uyvy), ("gray8", .gray8), ("rgb24", .rgb24), ("bgr24", .bgr24),
  ]

  /// Names read "software-width x height-format-matrix-range".
  @Test(arguments: Fixtures.names(in: "frames", endingWith: [".raw"]))
  func isWithinAStepOfOtherSoftware(name: String) throws {
    let words = name.dropLast(4).split(separator: "-").map(String.init)
    let sides = words[1].split(separator: "x").map { Int($0)! }
    let frame = Frame(
      width: sides[0], height: sides[1],
      format: try #require(Self.formats.first { $0.0 == words[2] }?.1),
      matrix: words[3] == "bt601" ? .bt601 : .bt709, range: words[4] == "full" ? .full : .limited)
    let folder = Fixtures.folder.appending(path: "frames")
    let expected = try Pixels(ppm: folder.appending(path: "\(name.dropLast(4)).ppm")).bytes
    let found = try frame.pixels([UInt8](Data(contentsOf: folder.appending(path: name))))
    #expect(found.count == expected.count)
    let steps = zip(found, expected).map { abs(Int($0) - Int($1)) }
    #expect(try #require(steps.max()) <= 1)
  }

  @Test(arguments: formats.map(\.1))
  func everyWidthIsAsDefined(format: FrameFormat) throws {
    for width in stride(from: 2, through: 70, by: 2) {
      for (matrix, range) in [
        (ColourMatrix.bt601, ColourRange.full), (.bt601, .limited), (.bt709, .full),
        (.bt709, .limited),
      ] {
        for (padding, chromaStride) in [(0, 0), (6, 0), (6, 101), (0, 96)] {
          var frame = Frame(
            width: width, height: 4, format: format, matrix: matrix, range: range)
          let rowBytes = try frame.converter().byteCount / format.rowsOfFour
          if padding > 0 { frame.stride = rowBytes + padding }
          frame.chromaStride = chromaStride
          let bytes = randomBytes(try frame.converter().byteCount, seed: UInt64(width))
          #expect(try frame.pixels(bytes) == reference(frame, bytes), "\(width) \(padding)")
        }
      }
    }
  }

  @Test func blackAndWhite() throws {
    for (range, black, white) in [(ColourRange.full, 0, 255), (.limited, 16, 235)] {
      for matrix in [ColourMatrix.bt601, .bt709] {
        let frame = Frame(width: 2, height: 2, format: .yuv420, matrix: matrix, range: range)
        let bytes = [black, white, black, white, 128, 128].map(UInt8.init)
        #expect(try frame.pixels(bytes) == [0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255])
      }
    }
  }

  /// The other orders of the same samples, against the frames of other software.
  @Test func otherOrdersGiveTheSamePixels() throws {
    let folder = Fixtures.folder.appending(path: "frames")
    func bytes(_ name: String) throws -> [UInt8] {
      try [UInt8](Data(contentsOf: folder.appending(path: "opencv-34x6-\(name)-bt601-limited.raw")))
    }
    func pixels(_ format: FrameFormat, _ bytes: [UInt8]) throws -> [UInt8] {
      try Frame(width: 34, height: 6, format: format, range: .limited).pixels(bytes)
    }
    let pairs = try bytes("nv12")
    var swapped = pairs
    for place in stride(from: 34 * 6, to: pairs.count, by: 2) { swapped.swapAt(place, place + 1) }
    #expect(try pixels(.nv21, swapped) == pixels(.nv12, pairs))
    let packed = try bytes("yuyv")
    var (yvyu, uyvy) = (packed, packed)
    for place in stride(from: 0, to: packed.count, by: 4) {
      yvyu.swapAt(place + 1, place + 3)
      uyvy.swapAt(place, place + 1)
      uyvy.swapAt(place + 2, place + 3)
    }
    #expect(try pixels(.yvyu, yvyu) == pixels(.yuyv, packed))
    #expect(try pixels(.uyvy, uyvy) == pixels(.yuyv, packed))
    let grey = Array(pairs.prefix(34 * 6))
    let spread = grey.flatMap { [$0, $0, $0] }
    #expect(try Frame(width: 34, height: 6, format: .gray8).pixels(grey) == spread)
  }

  @Test func framesThatCannotBeAreRefused() throws {
    for (width, height, format) in [(3, 2, FrameFormat.yuyv), (2, 3, .nv12)] {
      #expect(throws: ImageError.oddFrame(width: width, height: height)) {
        _ = try Frame(width: width, height: height, format: format).converter()
      }
    }
    for (width, height) in [(0, 2), (2, 0), (16386, 2), (-2, 2)] {
      #expect(throws: ImageError.tooLarge(width: width, height: height)) {
        _ = try Frame(width: width, height: height, format: .yuv420).converter()
      }
    }
    for stride in [63, 65, -1, 1 << 18] {
      #expect(throws: ImageError.stride(stride, rowBytes: 64)) {
        _ = try Frame(width: 64, height: 2, format: .yuv420, stride: stride).converter()
      }
    }
    #expect(throws: ImageError.stride(63, rowBytes: 64)) {
      _ = try Frame(width: 64, height: 2, format: .nv12, chromaStride: 63).converter()
    }
    _ = try Frame(width: 64, height: 2, format: .yuv420, stride: 65, chromaStride: 33).converter()
    _ = try Frame(width: 3, height: 3, format: .rgb24).converter()
    _ = try Frame(width: 2, height: 3, format: .yuyv).converter()
  }
}

extension FrameFormat {
  /// How many rows of the first plane a frame of four rows comes to.
  fileprivate var rowsOfFour: Int {
    switch self {
    case .yuv420, .nv12, .nv21: 6
    case .yuv422: 8
    default: 4
    }
  }

  fileprivate var isColour: Bool { self == .rgb24 || self == .bgr24 }
}
