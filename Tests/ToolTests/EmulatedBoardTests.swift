// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import XCTest

/// A board that QEMU's user mode plays: its CPU, and the levels that CPU has.
private struct Board: Sendable {
  let cpu: String
  let levels: [String]
  let threads: String

  static let all = [
    Board(cpu: "cortex-a53", levels: ["ref", "neon"], threads: "3"),
    Board(cpu: "cortex-a72", levels: ["ref", "neon"], threads: "1"),
    Board(cpu: "cortex-a76", levels: ["ref", "neon", "neondot", "neonfp16"], threads: "2"),
    Board(cpu: "max", levels: ["ref", "neon", "neondot", "neonfp16", "i8mm"], threads: "2"),
  ]

  /// The cross-compiled tools and the libraries of a board: RESNET_PI_TOOLS and RESNET_PI_ROOT.
  private static func folders() throws -> (tools: String, root: String) {
    let environment = ProcessInfo.processInfo.environment
    guard let tools = environment["RESNET_PI_TOOLS"], let root = environment["RESNET_PI_ROOT"]
    else { throw XCTSkip("needs RESNET_PI_TOOLS and RESNET_PI_ROOT: make pi-test sets them") }
    return (tools, root)
  }

  static func skipWithoutTools() throws { _ = try folders() }

  func run(_ tool: String, _ arguments: [String]) throws -> ToolResult {
    try Tool(url: Board.env).run(command(tool, arguments))
  }

  /// The most memory, in bytes, that the pages of the tool and its libraries took, QEMU's own
  /// left out: it puts all of them into one range of its addresses.
  func peakMemory(_ tool: String, _ arguments: [String]) throws -> Int {
    let base = 0x10_0000_0000
    let size = 0x10_0000_0000
    let process = Process()
    process.executableURL = Board.env
    process.arguments = try command(tool, arguments, ["-B", "\(base)", "-R", "\(size)"])
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    var peak = 0
    while process.isRunning {
      // The process may end at any moment, and its list with it.
      let list = FileHandle(forReadingAtPath: "/proc/\(process.processIdentifier)/smaps")
      let maps = String(decoding: (try? list?.readToEnd()) ?? Data(), as: UTF8.self)
      var isTool = false
      var sum = 0
      for line in maps.split(separator: "\n") {
        if let start = line.split(separator: "-").first.flatMap({ Int($0, radix: 16) }) {
          isTool = base..<base + size ~= start
        } else if isTool, line.hasPrefix("Rss:") {
          sum += Int(line.split(separator: " ")[1])! * 1024
        }
      }
      peak = max(peak, sum)
    }
    guard process.terminationStatus == 0 else {
      throw ToolFailure(errors: "status \(process.terminationStatus)")
    }
    return peak
  }

  private static let env = URL(fileURLWithPath: "/usr/bin/env")

  private func command(
    _ tool: String, _ arguments: [String], _ options: [String] = []
  ) throws -> [String] {
    let (tools, root) = try Board.folders()
    return ["qemu-aarch64", "-L", root, "-cpu", cpu] + options + ["\(tools)/\(tool)"] + arguments
  }
}

/// The cross-compiled tools on every board, compared with this machine.
final class EmulatedBoardTests: XCTestCase {
  private let photos = ["tench", "church"].map(Repository.example)

  override func setUpWithError() throws { try Board.skipWithoutTools() }

  /// Calls `body` for every board, two at a time.
  private func forEachBoard(
    _ boards: [Board] = Board.all, _ body: @Sendable (Board) throws -> Void
  ) {
    DispatchQueue.concurrentPerform(iterations: 2) { half in
      for board in boards.enumerated() where board.offset % 2 == half {
        do { try body(board.element) } catch { XCTFail("\(board.element.cpu): \(error)") }
      }
    }
  }

  func testEveryKernelEqualsTheReference() {
    forEachBoard { board in
      let result = try board.run("CheckKernels", [])
      XCTAssertEqual(result.status, 0, "\(board.cpu): \(result.text)\(result.errors)")
      XCTAssertTrue(result.text.hasSuffix(" 0 failed\n"), "\(board.cpu): \(result.text)")
      for level in board.levels {
        XCTAssertTrue(result.text.contains(" \(level) "), "\(board.cpu): no \(level)")
      }
    }
  }

  func testALevelThatTheCPULacksIsRefused() throws {
    let result = try Board.all[0].run(
      "resnet-run", [RandomPlan.path(), photos[0], "--isa", "neondot"])
    XCTAssertFalse(result.isCrash)
    XCTAssertNotEqual(result.status, 0)
    XCTAssertTrue(result.errors.contains("neondot"), result.errors)
  }

  /// The bits of logits and probabilities of the photos.
  private struct Answer: Equatable {
    var logits: Data
    var probabilities: Data

    init(_ plan: String, _ photos: [String], _ run: ([String]) throws -> ToolResult) throws {
      let scratch = try Scratch()
      let result = try run(
        [plan] + photos
          + ["--logits", scratch.path("l"), "--probabilities", scratch.path("p"), "--top", "1"])
      guard result.status == 0 else { throw ToolFailure(errors: result.errors) }
      logits = try Data(contentsOf: URL(fileURLWithPath: scratch.path("l")))
      probabilities = try Data(contentsOf: URL(fileURLWithPath: scratch.path("p")))
    }
  }

  /// Compares every level of the boards with this machine's every level.
  private func checkBits(_ plan: String, _ boards: [Board] = Board.all) throws {
    let photos = self.photos
    let expected = try Answer(plan, photos) { try Tool.run.run($0) }
    XCTAssertEqual(expected.logits.count, expected.probabilities.count)
    XCTAssertNotEqual(
      expected.logits.prefix(expected.logits.count / 2),
      expected.logits.suffix(expected.logits.count / 2), "two photos, two answers")
    for level in ["ref", "sse42", "avx2", "avxvnni", "avx512vnni"]
    where try Tool.run(plan, photos[0], "--isa", level).status == 0 {
      let answer = try Answer(plan, photos) { try Tool.run.run($0 + ["--isa", level]) }
      XCTAssertEqual(answer, expected, level)
    }
    forEachBoard(boards) { board in
      for level in board.levels {
        let answer = try Answer(plan, photos) {
          // With three threads neon takes some layers in another form than with one.
          try board.run("resnet-run", $0 + ["--isa", level, "--threads", board.threads])
        }
        XCTAssertEqual(answer, expected, "\(board.cpu) \(level)")
      }
    }
  }

  private func checkBits(random architecture: String) throws {
    let scratch = try Scratch()
    let plan = scratch.path("random.plan")
    let made = try Tool.quantize(
      "--random", architecture, "--outputs", "10", "-q", "-o", plan, "--target", "neon")
    XCTAssertEqual(made.status, 0, made.errors)
    try checkBits(plan)
  }

  func testSameBitsOfTheShippedModel() throws {
    try checkBits(ShippedModel.int8())
    try checkBits(ShippedModel.neon())
  }

  func testSameBitsOfTheShippedModelInFloat32() throws {
    // Slow under emulation, and the other two CPUs have the same kernels.
    try checkBits(ShippedModel.float32(), [Board.all[0], Board.all[2]])
  }

  func testSameBitsOfTheShippedModelInHalfPrecision() throws {
    try checkBits(ShippedModel.float16(), [Board.all[0], Board.all[2]])
  }

  /// fp16 sums: the same bits for any number of threads, near those of float32 sums; elsewhere the same.
  func testSumsInHalfPrecision() throws {
    let plan = try ShippedModel.halfSums()
    let photo = [photos[1]]
    let expected = try Answer(plan, photo) { try Tool.run.run($0) }
    let a72 = Board.all[1]
    let a76 = Board.all[2]
    XCTAssertEqual(try Answer(plan, photo) { try a72.run("resnet-run", $0) }, expected)
    let found = Mutex([Answer]())
    DispatchQueue.concurrentPerform(iterations: 2) { half in
      do {
        let answer = try Answer(plan, photo) {
          try a76.run("resnet-run", $0 + ["--threads", half == 0 ? "1" : "3"])
        }
        found.withLock { $0.append(answer) }
      } catch { XCTFail("\(error)") }
    }
    let answers = found.withLock { $0 }
    XCTAssertEqual(answers.count, 2)
    XCTAssertEqual(answers.first, answers.last)
    let answer = try XCTUnwrap(answers.first)
    XCTAssertNotEqual(answer, expected, "no sum was in fp16")
    let ratio = signalToNoise(
      of: floats(answer.logits), against: floats(expected.logits))
    print("logits with fp16 sums: \(ratio) dB")
    XCTAssertGreaterThan(ratio, 50)
  }

  func testSameBitsOfResNet18() throws { try checkBits(random: "resnet18") }

  func testSameBitsOfResNet34() throws { try checkBits(random: "resnet34") }

  func testSameBitsOfResNet50() throws { try checkBits(random: "resnet50") }

  func testSameTextOfAPhoto() throws {
    let arguments = [try ShippedModel.neon(), photos[1], "--top", "3"]
    // The last line has the times.
    let expected = try Tool.run.run(arguments).text.split(separator: "\n").dropLast()
    XCTAssertEqual(expected.count, 4)
    forEachBoard { board in
      let result = try board.run("resnet-run", arguments)
      XCTAssertEqual(result.text.split(separator: "\n").dropLast(), expected, result.errors)
    }
  }

  func testSameAccuracyOf50Photos() throws {
    let all = try SharedData.validationPhotos()
    let scratch = try Scratch()
    for photo in stride(from: 0, to: all.count, by: all.count / 50).map({ all[$0] }) {
      let url = URL(fileURLWithPath: photo)
      let folder = scratch.path(url.deletingLastPathComponent().lastPathComponent)
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/\(url.lastPathComponent)", withDestinationPath: photo)
    }
    let arguments = [try ShippedModel.neon(), "--evaluate", scratch.url.path]
    // Fractions and count; then come the times.
    let expected = try Tool.run.run(arguments).text.split(separator: "\n").prefix(3)
    XCTAssertEqual(expected.last, "images    50")
    forEachBoard { board in
      let result = try board.run("resnet-run", arguments)
      XCTAssertEqual(result.text.split(separator: "\n").prefix(3), expected, result.errors)
    }
  }

  func testSameLinesForFrames() throws {
    let scratch = try Scratch()
    let frames = scratch.path("frames")
    var seed: UInt64 = 3
    try Data(
      (0..<3 * 160 * 120 * 3 / 2).map { _ in
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: seed >> 33)
      }
    ).write(to: URL(fileURLWithPath: frames))
    for format in ["yuv420", "nv12"] {
      let arguments = [
        try ShippedModel.neon(), "--raw", "160x120:\(format)", frames, "--top", "10",
      ]
      let expected = withoutTimes(try Tool.run.run(arguments).text)
      XCTAssertEqual(Set(expected).count, 3)
      forEachBoard { board in
        let result = try board.run("resnet-run", arguments)
        XCTAssertEqual(withoutTimes(result.text), expected, result.errors)
      }
    }
  }

  func testMemory() throws {
    let plan = try ShippedModel.int8()
    let size = try XCTUnwrap(
      FileManager.default.attributesOfItem(atPath: plan)[.size] as? Int)
    let peak = try Board.all[2].peakMemory(
      "resnet-run", [plan] + Array(repeating: photos[1], count: 5) + ["--threads", "2"])
    print("peak memory of resnet-run on an emulated Cortex-A76: \(peak) bytes, plan \(size)")
    XCTAssertGreaterThan(peak, size, "all weights were read")
    XCTAssertLessThan(peak, 18_000_000)
  }
}

/// float32 numbers.
private func floats(_ data: Data) -> [Float] {
  data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
}

/// Lines of JSON up to the times.
private func withoutTimes(_ lines: String) -> [String] {
  lines.split(separator: "\n").map { $0.components(separatedBy: ", \"inference_ms\"")[0] }
}
