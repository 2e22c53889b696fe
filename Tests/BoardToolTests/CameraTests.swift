// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestPlans
import Testing
import ToolSupport

/// What cameras and their programs write: padded rows, containers, JPEG images.
extension BoardTools.CameraTests {
  private struct Line: Decodable {
    var frame: Int
    var index: Int
    var probability: Double
    var dropped: Int
  }

  /// What `resnet-run` makes of a file, or of the same bytes from a pipe.
  private func run(
    _ raw: String, _ bytes: Data, _ options: [String] = [], isPipe: Bool = false
  ) throws -> (lines: [Line], errors: String) {
    let scratch = try Scratch()
    let path = try scratch.write(bytes, to: "frames")
    let result = try Tool.run.pipe(
      [RandomPlan.small(), "--raw", raw] + (isPipe ? ["-"] : [path]) + options, from: path)
    #expect(result.status == 0 && !result.isCrash, "\(result.errors)")
    return (try result.decoded(Line.self), result.errors)
  }

  /// Frames of yuv420, 80 × 64, no two rows alike, with rows of `stride` and `chroma` bytes.
  private func frames(_ count: Int, stride: Int = 80, chroma: Int = 40, padding: UInt8 = 0) -> Data
  {
    var result = Data()
    for frame in 0..<count {
      for (rows, bytes, step) in [(64, 80, stride), (32, 40, chroma), (32, 40, chroma)] {
        let plane = Data(
          randomBytes(rows * bytes, seed: UInt64(frame * 1000 + rows + step)))
        for row in 0..<rows {
          result += plane.dropFirst(row * bytes).prefix(bytes)
          result += Data(repeating: padding, count: step - bytes)
        }
      }
    }
    return result
  }

  /// The same frames without the padding, which the seed knows.
  private func plain(_ count: Int, stride: Int, chroma: Int) -> Data {
    let padded = frames(count, stride: stride, chroma: chroma)
    var (result, place) = (Data(), 0)
    for _ in 0..<count {
      for (rows, bytes, step) in [(64, 80, stride), (32, 40, chroma), (32, 40, chroma)] {
        for _ in 0..<rows {
          result += padded[place..<place + bytes]
          place += step
        }
      }
    }
    return result
  }

  /// Five frames of rows of 96 bytes come to six without padding: the size alone does not tell.
  @Test(arguments: [(3, 128, 64, 0), (5, 96, 48, 0), (3, 80, 64, 0), (3, 112, 56, 128)])
  func theStrideOfAFileIsFound(count: Int, stride: Int, chroma: Int, padding: UInt8) throws {
    let bytes = frames(count, stride: stride, chroma: chroma, padding: padding)
    let expected = try run("80x64:yuv420", plain(count, stride: stride, chroma: chroma))
    let found = try run("80x64:yuv420", bytes)
    #expect(found.lines.map(\.probability) == expected.lines.map(\.probability))
    #expect(found.errors.contains("tell --stride \(stride),\(chroma), which is taken"))
    #expect(!expected.errors.contains("--stride"))
    let said = try run("80x64:yuv420", bytes, ["--stride", "\(stride),\(chroma)"])
    #expect(said.lines.map(\.probability) == expected.lines.map(\.probability))
    #expect(!said.errors.contains("--stride"))
  }

  @Test func paddingWithAnythingInItIsSaid() throws {
    // Without the zeros only the size tells.
    let bytes = Data(randomBytes(24576, seed: 9))
    let (lines, errors) = try run("80x64:yuv420", bytes)
    #expect(lines.count == 3)
    #expect(errors.contains("expected frames of 7680 bytes, found 24576 bytes, no whole number"))
    #expect(errors.contains("what fits: --stride 128,64"))
  }

  @Test func aStreamIsHinted() throws {
    let padded = try run("80x64:yuv420", frames(3, stride: 128, chroma: 64), isPipe: true)
    #expect(padded.errors.contains("the rows look 128 bytes apart"))
    #expect(padded.errors.contains("what fits: --stride 128,64"))
    let wide = try run("128x64:yuv420", frames(3, stride: 128, chroma: 64), isPipe: true)
    #expect(wide.errors.contains("the last 48 bytes of the rows are all the same"))
    let whole = try run("80x64:yuv420", frames(3), isPipe: true)
    #expect(
      whole.errors
        == "resnet-run: 80x64:yuv420: taken as --range full --matrix bt601\n"
        + "resnet-run: 3 frames, 3 classified\n")
  }

  @Test(arguments: [
    ("C420jpeg XCOLORRANGE=FULL", ["--range", "full"]), ("", ["--range", "limited"]),
    ("C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED", ["--range", "limited"]),
    ("C420 XMATRIX=BT709", ["--range", "limited", "--matrix", "bt709"]),
  ])
  func y4mSaysWhatItIs(words: String, options: [String]) throws {
    var stream = Data("YUV4MPEG2 W80 H64 F30:1 Ip A1:1 \(words)\n".utf8)
    let bytes = frames(2)
    for frame in [bytes.prefix(bytes.count / 2), bytes.suffix(bytes.count / 2)] {
      stream += Data("FRAME\n".utf8) + frame
    }
    for isPipe in [false, true] {
      let found = try run("y4m", stream, isPipe: isPipe)
      let expected = try run("80x64:yuv420", bytes, options)
      #expect(found.lines.map(\.probability) == expected.lines.map(\.probability))
      #expect(found.errors.hasSuffix("2 frames, 2 classified\n"), "\(found.errors)")
    }
  }

  @Test func y4mInGreyAndWithHalfTheWidth() throws {
    for (word, format, count) in [("Cmono", "gray8", 80 * 64), ("C422", "yuv422", 80 * 128)] {
      let bytes = Data(randomBytes(count, seed: 3))
      let header = Data("YUV4MPEG2 W80 H64 \(word)\nFRAME Ip\n".utf8)
      let found = try run("y4m", header + bytes, ["--range", "full"])
      let expected = try run("80x64:\(format)", bytes, ["--range", "full"])
      #expect(found.lines.map(\.probability) == expected.lines.map(\.probability))
    }
  }

  @Test(arguments: [
    ("", "starts with YUV4MPEG2"), ("RIFF....AVI ", "starts with YUV4MPEG2"),
    ("YUV4MPEG2 W80\n", "expected a width and a height"),
    ("YUV4MPEG2 W-1 H64\n", "expected a width and a height"),
    ("YUV4MPEG2 W99999999999 H64\n", "expected a width and a height"),
    ("YUV4MPEG2 W80 H64 C444\n", "found another C"),
    ("YUV4MPEG2 W80 H64 C420p10\n", "found another C"),
    ("YUV4MPEG2 W20000 H64\n", "expected an image of sides"),
    ("YUV4MPEG2 W81 H64\n", "expected even sides"),
    ("YUV4MPEG2 W80 H64" + String(repeating: " X1", count: 300), "at most 512 bytes"),
    ("YUV4MPEG2 W80 H64\nFRAME", "expected frames of 7680 bytes, found 0"),
    ("YUV4MPEG2 W80 H64\nFRAGE\n", "expected a line FRAME"),
  ])
  func wrongY4M(text: String, reason: String) throws {
    let scratch = try Scratch()
    let path = try scratch.write(Data(text.utf8), to: "frames")
    let result = try Tool.run.end([RandomPlan.small(), "--raw", "y4m", path])
    #expect(result.status == 1 && !result.isCrash)
    #expect(result.errors.contains(reason), "\(result.errors)")
  }

  /// As a webcam writes it and as HTTP brings it; each photo has a segment of its own in front.
  @Test func jpegImagesOfAStream() throws {
    let photos = try ["tench", "church"].map { try Data(path: Repository.example($0)) }
    let boundary = Data("\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n".utf8)
    // A thumbnail with markers of its own, and one that breaks off where the next begins.
    let inner = Data([0xFF, 0xE7, 0, 8, 0xFF, 0xD8, 0xFF, 0xD9, 0xFF, 0xD8])
    let holding = photos[0].prefix(2) + inner + photos[0].dropFirst(2)
    let cut = photos[1].prefix(photos[1].count / 2)
    let stream = boundary + photos[0] + boundary + photos[1] + cut + holding + photos[1].prefix(99)
    for isPipe in [false, true] {
      let (lines, errors) = try run("mjpeg", stream, isPipe: isPipe)
      #expect(lines.map(\.frame) == [0, 1, 3])
      #expect(lines.map(\.dropped) == [0, 0, 1])
      #expect(lines[0].probability == lines[2].probability)
      #expect(lines[0].probability != lines[1].probability)
      #expect(errors.contains("frame 2: expected a whole JPEG image"))
      #expect(errors.contains("the stream ended within a frame"))
      #expect(errors.contains("4 frames, 3 classified, 1 damaged and left out"))
    }
    let every = try run("mjpeg", stream, ["--every", "3"])
    #expect(every.lines.map(\.frame) == [0, 3])
    try Tool.run.fails(
      [RandomPlan.small(), "--raw", "mjpeg", ShippedModel.classes], "expected JPEG images")
  }
}

extension Tool {
  /// Runs the tool to whatever end, with a file on a pipe as its standard input.
  fileprivate func pipe(_ arguments: [String], from path: String) throws -> ToolResult {
    let tool = try PipedTool(self, arguments)
    tool.write(try Data(path: path))
    return try tool.end()
  }
}
