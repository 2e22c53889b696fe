// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

/// Frames of a camera on standard input.
final class FrameStreamTests: XCTestCase {
  private struct Line: Decodable {
    struct Label: Decodable { var index: Int }
    var frame: Int
    var index: Int
    var label: String
    var probability: Double
    var top: [Label]?
    var inferenceMs: Double
    var inputMs: Double
    var dropped: Int
  }

  /// A plan that runs in a moment.
  private static let plan = Result {
    let path = Tool.products.appendingPathComponent("frames.plan").path
    let made = try Tool.quantize("--random", "resnet18", "--input-size", "64", "-q", "-o", path)
    guard made.status == 0 else { throw ToolFailure(errors: made.errors) }
    return path
  }

  private let size = 96 * 64 * 3

  /// Frames of 96 × 64 in three bytes a pixel, each another.
  private func frames(_ count: Int) -> Data {
    var seed: UInt64 = 7
    return Data(
      (0..<count * size).map { _ in
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: seed >> 33)
      })
  }

  private func start(_ options: [String], source: String = "-") throws -> Stream {
    try Stream([Self.plan.get(), "--raw", "96x64:rgb24", source] + options)
  }

  private func lines(_ text: String) throws -> [Line] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try text.split(separator: "\n").map {
      try decoder.decode(Line.self, from: Data($0.utf8))
    }
  }

  func testALineForEachFrame() throws {
    let stream = try start([])
    stream.write(frames(4))
    let result = try stream.finish()
    XCTAssertEqual(result.status, 0, result.errors)
    XCTAssertEqual(result.errors, "resnet-run: 4 frames, 4 classified\n")
    let lines = try lines(result.text)
    XCTAssertEqual(lines.map(\.frame), [0, 1, 2, 3])
    XCTAssertEqual(lines.map(\.dropped), [0, 0, 0, 0])
    XCTAssertEqual(Set(lines.map(\.probability)).count, 4, "four frames, four answers")
    for line in lines {
      XCTAssertEqual(line.label, "class \(line.index)")
      XCTAssertNil(line.top)
      XCTAssertTrue(line.inferenceMs > 0 && line.inputMs > 0)
    }
  }

  func testFilesAndOtherFormatsGiveTheSame() throws {
    let scratch = try Scratch()
    var bytes = frames(2)
    try bytes.write(to: URL(fileURLWithPath: scratch.path("rgb")))
    for pixel in stride(from: 0, to: bytes.count, by: 3) { bytes.swapAt(pixel, pixel + 2) }
    try bytes.write(to: URL(fileURLWithPath: scratch.path("bgr")))
    let plan = try Self.plan.get()
    let rgb = try Tool.run(plan, "--raw", "96x64:rgb24", scratch.path("rgb"), "--top", "2")
    let bgr = try Tool.run(plan, "--raw", "96x64:bgr24", scratch.path("bgr"), "--top", "2")
    XCTAssertEqual(rgb.status, 0, rgb.errors)
    let (one, other) = (try lines(rgb.text), try lines(bgr.text))
    XCTAssertEqual(one.map(\.probability), other.map(\.probability))
    XCTAssertEqual(one.map { $0.top?.map(\.index) }, other.map { $0.top?.map(\.index) })
    XCTAssertEqual(one.map { $0.top?.count }, [2, 2])
    XCTAssertEqual(one.map { $0.top?.first?.index }, one.map(\.index))
  }

  func testEveryThirdFrame() throws {
    let stream = try start(["--every", "3"])
    stream.write(frames(8))
    let result = try stream.finish()
    XCTAssertEqual(try lines(result.text).map(\.frame), [0, 3, 6])
    XCTAssertEqual(try lines(result.text).map(\.dropped), [0, 2, 2])
    XCTAssertTrue(result.errors.contains("8 frames, 3 classified"), result.errors)
  }

  func testTheLatestFrameComesLastAndNoneIsCountedTwice() throws {
    let stream = try start(["--latest"])
    stream.write(frames(200))
    let result = try stream.finish()
    XCTAssertEqual(result.status, 0, result.errors)
    let lines = try lines(result.text)
    XCTAssertEqual(lines.last?.frame, 199)
    XCTAssertEqual(lines.map(\.frame), lines.map(\.frame).sorted())
    XCTAssertEqual(lines.map(\.dropped).reduce(0, +) + lines.count, 200)
  }

  func testAnIncompleteFrameIsReportedAndNotClassified() throws {
    let stream = try start([])
    stream.write(frames(2).dropLast(100))
    let result = try stream.finish()
    XCTAssertEqual(result.status, 0, result.errors)
    XCTAssertEqual(try lines(result.text).map(\.frame), [0])
    XCTAssertEqual(
      result.errors,
      """
      resnet-run: -: the stream ended within a frame: expected 18432 bytes, found 18332
      resnet-run: 1 frames, 1 classified

      """)
  }

  func testAStreamWithoutAFrameIsAFailure() throws {
    let stream = try start([])
    stream.write(Data(count: 10))
    assertFailure(
      try stream.finish(), "-: expected frames of 18432 bytes, found 10 bytes in all")
  }

  func testSignalsEndIt() throws {
    for signal in [SIGINT, SIGTERM] {
      let stream = try start([])
      stream.write(frames(2))
      // The lines are there while the tool waits for the next frame.
      let text = try stream.readLines(2)
      kill(stream.process.processIdentifier, signal)
      let result = try stream.finish(closesInput: false)
      XCTAssertEqual(result.status, 0, result.errors)
      XCTAssertFalse(result.isCrash)
      XCTAssertEqual(try lines(text + result.text).map(\.frame), [0, 1])
      XCTAssertEqual(result.errors, "resnet-run: 2 frames, 2 classified\n")
    }
  }

  func testAClosedOutputEndsItQuietly() throws {
    let stream = try start([])
    stream.write(frames(1))
    _ = try stream.readLines(1)
    try stream.output.fileHandleForReading.close()
    stream.write(frames(3))
    let result = try stream.finish(readsOutput: false)
    XCTAssertEqual(result.status, 0, result.errors)
    XCTAssertFalse(result.isCrash)
    XCTAssertEqual(result.errors, "")
  }

  /// Nobody reads the lines: the tool hangs in a write, and a second signal ends it.
  func testASecondSignalEndsAToolThatHangs() throws {
    let stream = try start(["--top", "1000"])
    DispatchQueue.global().async { [frames = frames(40)] in stream.write(frames) }
    // Lines of 50 kB: the second or third fills the pipe.
    sleep(2)
    for _ in 0..<2 {
      kill(stream.process.processIdentifier, SIGTERM)
      sleep(1)
    }
    stream.process.waitUntilExit()
    XCTAssertEqual(stream.process.terminationReason, .uncaughtSignal)
    XCTAssertEqual(stream.process.terminationStatus, SIGTERM)
  }

  func testTheFormatSaysTheRange() throws {
    let scratch = try Scratch()
    try frames(1).prefix(96 * 64 * 2).write(to: URL(fileURLWithPath: scratch.path("frame")))
    let plan = try Self.plan.get()
    func answer(_ format: String, _ options: [String]) throws -> [Double] {
      let height = format == "yuyv" ? 64 : 84
      let result = try Tool.run.run(
        [plan, "--raw", "96x\(height):\(format)", scratch.path("frame")] + options)
      XCTAssertEqual(result.status, 0, result.errors)
      return try lines(result.text).map(\.probability)
    }
    for (format, range, other) in [
      ("yuv420", "full", "limited"), ("nv12", "limited", "full"), ("yuyv", "limited", "full"),
    ] {
      XCTAssertEqual(try answer(format, []), try answer(format, ["--range", range]), format)
      XCTAssertNotEqual(try answer(format, []), try answer(format, ["--range", other]), format)
    }
  }

  func testWrongUsage() throws {
    let cases: [([String], Int32, String)] = [
      (["--raw", "96x64", "-"], 2, "expected a width, height and format"),
      (["--raw", "96x64:h264", "-"], 2, "found 96x64:h264"),
      (["--raw", "x64:rgb24", "-"], 2, "found x64:rgb24"),
      (["--raw", "99999999x64:rgb24", "-"], 2, "found 99999999x64:rgb24"),
      (["--raw", "96x64:rgb24"], 2, "expected one file with frames after the plan"),
      (["--raw", "96x64:rgb24", "a", "b"], 2, "expected one file with frames"),
      (["--raw", "96x64:rgb24", "-", "--matrix", "bt2020"], 2, "expected bt601 or bt709"),
      (["--raw", "96x64:rgb24", "-", "--range", "wide"], 2, "expected full or limited"),
      (["--raw", "96x64:rgb24", "-", "--every", "0"], 2, "from 1 to 1000000 after --every"),
      (["--raw", "96x64:rgb24", "-", "--logits", "f"], 2, "expected --raw or --features"),
      (["a.jpg", "--latest"], 2, "--latest makes sense only with --raw"),
      (["--raw", "0x64:rgb24", "-"], 1, "0x64:rgb24: expected an image of sides 1 to"),
      (["--raw", "95x64:yuyv", "-"], 1, "95x64:yuyv: expected even sides, found 95x64"),
      (["--raw", "96x64:rgb24", "-", "--stride", "64"], 1, "expected a stride of 288"),
      (["--raw", "96x64:rgb24", "/nonexistent"], 1, "/nonexistent: cannot read frames"),
    ]
    for (arguments, status, reason) in cases {
      let result = try Tool.run.run([Self.plan.get()] + arguments)
      XCTAssertEqual(result.status, status, "\(arguments) \(result.errors)")
      XCTAssertFalse(result.isCrash, "\(arguments)")
      XCTAssertTrue(result.errors.contains(reason), "\(arguments) \(result.errors)")
    }
  }
}

/// `resnet-run` with pipes at both ends.
private final class Stream: @unchecked Sendable {
  let process = Process()
  let output = Pipe()
  private let input = Pipe()
  private let errors = Pipe()

  init(_ arguments: [String]) throws {
    signal(SIGPIPE, SIG_IGN)
    process.executableURL = Tool.run.url
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = output
    process.standardError = errors
    try process.run()
  }

  func write(_ data: Data) {
    // A tool that has gone takes no more; what it says then is what tests look at.
    try? input.fileHandleForWriting.write(contentsOf: data)
  }

  /// Waits for some whole lines.
  func readLines(_ count: Int) throws -> String {
    var text = ""
    while text.filter({ $0 == "\n" }).count < count {
      let data = output.fileHandleForReading.availableData
      guard !data.isEmpty else { throw ToolFailure(errors: "the output ended after \(text)") }
      text += String(decoding: data, as: UTF8.self)
    }
    return text
  }

  func finish(closesInput: Bool = true, readsOutput: Bool = true) throws -> ToolResult {
    if closesInput { try input.fileHandleForWriting.close() }
    let data = readsOutput ? try output.fileHandleForReading.readToEnd() ?? Data() : Data()
    let text = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return ToolResult(
      status: process.terminationStatus, isCrash: process.terminationReason == .uncaughtSignal,
      output: data, errors: String(decoding: text, as: UTF8.self))
  }
}
