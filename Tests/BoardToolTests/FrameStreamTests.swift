// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestPlans
import Testing
import ToolSupport

/// Frames of a camera on standard input.
extension BoardTools.FrameStreamTests {
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

  /// Frames of 96 × 64 in three bytes a pixel, each another.
  private func frames(_ count: Int) -> Data { Data(randomBytes(count * 96 * 64 * 3, seed: 7)) }

  private func start(_ options: [String]) throws -> Stream {
    try Stream([RandomPlan.small(), "--raw", "96x64:rgb24", "-"] + options)
  }

  /// What becomes of frames that end.
  private func run(
    _ frames: Data, _ options: [String] = []
  ) throws -> (lines: [Line], errors: String) {
    let stream = try start(options)
    stream.write(frames)
    let result = try stream.finish()
    #expect(result.status == 0, "\(result.errors)")
    return (try result.decoded(Line.self), result.errors)
  }

  @Test func aLineForEachFrame() throws {
    let (lines, errors) = try run(frames(4))
    #expect(errors == "resnet-run: 4 frames, 4 classified\n")
    #expect(lines.map(\.frame) == [0, 1, 2, 3])
    #expect(lines.map(\.dropped) == [0, 0, 0, 0])
    #expect(Set(lines.map(\.probability)).count == 4, "four frames, four answers")
    for line in lines {
      #expect(line.label == "class \(line.index)")
      #expect(line.top == nil)
      #expect(line.inferenceMs > 0 && line.inputMs > 0)
    }
  }

  @Test func filesAndOtherFormatsGiveTheSame() throws {
    let scratch = try Scratch()
    var bytes = frames(2)
    func lines(_ format: String) throws -> [Line] {
      try scratch.write(bytes, to: format)
      return try Tool.run(
        RandomPlan.small(), "--raw", "96x64:\(format)", scratch.path(format), "--top", "2"
      ).decoded(Line.self)
    }
    let one = try lines("rgb24")
    for pixel in stride(from: 0, to: bytes.count, by: 3) { bytes.swapAt(pixel, pixel + 2) }
    let other = try lines("bgr24")
    #expect(one.map(\.probability) == other.map(\.probability))
    #expect(one.map { $0.top?.map(\.index) } == other.map { $0.top?.map(\.index) })
    #expect(one.map { $0.top?.count } == [2, 2])
    #expect(one.map { $0.top?.first?.index } == one.map(\.index))
  }

  @Test func everyThirdFrame() throws {
    let (lines, errors) = try run(frames(8), ["--every", "3"])
    #expect(lines.map(\.frame) == [0, 3, 6])
    #expect(lines.map(\.dropped) == [0, 2, 2])
    #expect(errors.contains("8 frames, 3 classified"))
  }

  @Test func theLatestFrameComesLastAndNoneIsCountedTwice() throws {
    let (lines, _) = try run(frames(200), ["--latest"])
    #expect(lines.last?.frame == 199)
    #expect(lines.map(\.frame) == lines.map(\.frame).sorted())
    #expect(lines.map(\.dropped).reduce(0, +) + lines.count == 200)
  }

  @Test func anIncompleteFrameIsReportedAndNotClassified() throws {
    let (lines, errors) = try run(frames(2).dropLast(100))
    #expect(lines.map(\.frame) == [0])
    #expect(
      errors == """
        resnet-run: -: the stream ended within a frame: expected 18432 bytes, found 18332
        resnet-run: 1 frames, 1 classified

        """)
  }

  @Test func aStreamWithoutAFrameIsAFailure() throws {
    let stream = try start([])
    stream.write(Data(count: 10))
    try stream.finish().isFailure(
      "-: expected frames of 18432 bytes, found 10 bytes in all", of: "resnet-run")
  }

  @Test(arguments: [SIGINT, SIGTERM]) func signalsEndIt(signal: Int32) throws {
    let stream = try start([])
    stream.write(frames(2))
    // The lines are there while the tool waits for the next frame.
    let text = try stream.readLines(2)
    kill(stream.process.processIdentifier, signal)
    var result = try stream.finish(closesInput: false)
    #expect(result.status == 0 && !result.isCrash)
    #expect(result.errors == "resnet-run: 2 frames, 2 classified\n")
    result.output = Data(text.utf8) + result.output
    #expect(try result.decoded(Line.self).map(\.frame) == [0, 1])
  }

  @Test func aClosedOutputEndsItQuietly() throws {
    let stream = try start([])
    stream.write(frames(1))
    _ = try stream.readLines(1)
    try stream.output.fileHandleForReading.close()
    stream.write(frames(3))
    let result = try stream.finish(readsOutput: false)
    #expect(result.status == 0 && !result.isCrash)
    #expect(result.errors == "")
  }

  /// Nobody reads the lines: the tool hangs in a write, and a second signal ends it.
  @Test(.slow) func aSecondSignalEndsAToolThatHangs() throws {
    let stream = try start(["--top", "1000"])
    DispatchQueue.global().async { [frames = frames(40)] in stream.write(frames) }
    // Lines of 50 kB: the second or third fills the pipe.
    sleep(2)
    for _ in 0..<2 {
      kill(stream.process.processIdentifier, SIGTERM)
      sleep(1)
    }
    stream.process.waitUntilExit()
    #expect(stream.process.terminationReason == .uncaughtSignal)
    #expect(stream.process.terminationStatus == SIGTERM)
  }

  @Test(arguments: [
    ("yuv420", "full", "limited"), ("nv12", "limited", "full"), ("yuyv", "limited", "full"),
  ])
  func theFormatSaysTheRange(format: String, range: String, other: String) throws {
    let scratch = try Scratch()
    let frame = try scratch.write(frames(1).prefix(96 * 64 * 2), to: "frame")
    func answer(_ options: [String]) throws -> [Double] {
      let height = format == "yuyv" ? 64 : 84
      return try Tool.run(
        [RandomPlan.small(), "--raw", "96x\(height):\(format)", frame] + options
      ).decoded(Line.self).map(\.probability)
    }
    let expected = try answer([])
    #expect(try answer(["--range", range]) == expected)
    #expect(try answer(["--range", other]) != expected)
  }

  @Test func wrongFrames() throws {
    let cases: [([String], String)] = [
      (["--raw", "0x64:rgb24", "-"], "0x64:rgb24: expected an image of sides 1 to"),
      (["--raw", "95x64:yuyv", "-"], "95x64:yuyv: expected even sides, found 95x64"),
      (["--raw", "96x64:rgb24", "-", "--stride", "64"], "expected a stride of 288"),
      (["--raw", "96x64:rgb24", "/nonexistent"], "/nonexistent: cannot read frames"),
    ]
    for (arguments, reason) in cases {
      try Tool.run.fails([RandomPlan.small()] + arguments, reason)
    }
  }
}

/// `resnet-run` with pipes at both ends.
private final class Stream: @unchecked Sendable {
  let process: Process
  let output = Pipe()
  private let input = Pipe()
  private let errors = Pipe()

  init(_ arguments: [String]) throws {
    signal(SIGPIPE, SIG_IGN)
    process = Tool.run.process(arguments)
    process.standardInput = input
    process.standardOutput = output
    process.standardError = errors
    try process.start()
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
