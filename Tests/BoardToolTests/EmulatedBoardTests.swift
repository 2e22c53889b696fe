// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetRuntime
import TestPlans
import Testing
import ToolSupport

/// A board that QEMU's user mode plays: its CPU, and levels that it has: those that no board before has, or its
/// highest. Emulated, a level is the same on all of them.
private struct Board: Sendable {
  let cpu: String
  let levels: [String]
  let threads: String

  static let all = [
    Board(cpu: "cortex-a53", levels: ["ref", "neon"], threads: "3"),
    Board(cpu: "cortex-a72", levels: ["neon"], threads: "1"),
    Board(cpu: "cortex-a76", levels: ["neondot", "neonfp16"], threads: "2"),
    Board(cpu: "max", levels: ["i8mm"], threads: "2"),
  ]

  /// The cross-compiled tools and the libraries of a board.
  static let tools = ProcessInfo.processInfo.environment["RESNET_PI_TOOLS"]
  static let root = ProcessInfo.processInfo.environment["RESNET_PI_ROOT"]

  func callAsFunction(_ tool: String, _ arguments: [String]) throws -> ToolResult {
    try Board.env(command(tool, arguments))
  }

  func end(_ tool: String, _ arguments: [String]) throws -> ToolResult {
    try Board.env.end(command(tool, arguments))
  }

  /// The most memory, in bytes, that the pages of the tool and its libraries took, QEMU's own
  /// left out: it puts all of them into one range of its addresses.
  func peakMemory(_ tool: String, _ arguments: [String]) throws -> Int {
    let base = 0x10_0000_0000
    let size = 0x10_0000_0000
    let command = try command(tool, arguments, ["-B", "\(base)", "-R", "\(size)"])
    return try Board.env.watch(command, "smaps") { maps in
      var isTool = false
      var sum = 0
      for line in maps.split(separator: "\n") {
        if let start = line.split(separator: "-").first.flatMap({ Int($0, radix: 16) }) {
          isTool = base..<base + size ~= start
        } else if isTool, line.hasPrefix("Rss:") {
          sum += Int(line.split(separator: " ")[1])! * 1024
        }
      }
      return sum
    }
  }

  private static let env = Tool(url: URL(fileURLWithPath: "/usr/bin/env"))

  private func command(
    _ tool: String, _ arguments: [String], _ options: [String] = []
  ) throws -> [String] {
    let (tools, root) = try (#require(Board.tools), #require(Board.root))
    return ["qemu-aarch64", "-L", root, "-cpu", cpu] + options + ["\(tools)/\(tool)"] + arguments
  }
}

extension Trait where Self == ConditionTrait {
  static var boardTools: Self {
    .enabled(
      if: Board.tools != nil && Board.root != nil,
      "needs RESNET_PI_TOOLS and RESNET_PI_ROOT: make pi-test sets them")
  }
}

/// The cross-compiled tools on every board, compared with this machine.
extension BoardTools.EmulatedBoardTests {
  private var photos: [String] { ["tench", "church"].map(Repository.example) }

  /// Calls `body` for every board, two at a time.
  private func forEachBoard(
    _ boards: [Board] = Board.all, _ body: @Sendable (Board) throws -> Void
  ) {
    DispatchQueue.concurrentPerform(iterations: 2) { half in
      for board in boards.enumerated() where board.offset % 2 == half {
        do { try body(board.element) } catch { Issue.record("\(board.element.cpu): \(error)") }
      }
    }
  }

  @Test func everyKernelEqualsTheReference() {
    forEachBoard([Board.all[0], Board.all[2], Board.all[3]]) { board in
      // The reference is checked by the bits of whole networks below.
      for level in board.levels where level != "ref" {
        let result = try board.end("CheckKernels", ["--isa", level])
        let told: Comment = "\(board.cpu): \(result.text)\(result.errors)"
        #expect(result.status == 0 && result.text.hasSuffix(" 0 failed\n"), told)
        #expect(result.text.contains(" \(level) "), "\(board.cpu): no \(level)")
      }
    }
  }

  @Test func aLevelThatTheCPULacksIsRefused() throws {
    let result = try Board.all[0].end(
      "resnet-run", [RandomPlan.full(), photos[0], "--isa", "neondot"])
    #expect(!result.isCrash && result.status != 0)
    #expect(result.errors.contains("neondot"), "\(result.errors)")
  }

  /// The bits of logits and probabilities of the photos.
  private struct Answer: Equatable {
    var logits: Data
    var probabilities: Data

    init(_ plan: String, _ photos: [String], _ run: ([String]) throws -> ToolResult) throws {
      let scratch = try Scratch()
      _ = try run(
        [plan] + photos
          + ["--logits", scratch.path("l"), "--probabilities", scratch.path("p"), "--top", "1"])
      logits = try scratch.data("l")
      probabilities = try scratch.data("p")
    }
  }

  /// Compares every level of the boards with this machine's every level; the boards' int8 convolutions in exact
  /// forms too, if there are any.
  private func checkBits(_ plan: String, _ boards: [Board] = Board.all) throws {
    let photos = self.photos
    let expected = try Answer(plan, photos) { try Tool.run($0) }
    #expect(expected.logits.count == expected.probabilities.count)
    #expect(
      expected.logits.prefix(expected.logits.count / 2)
        != expected.logits.suffix(expected.logits.count / 2), "two photos, two answers")
    for level in InstructionSet.available.map(\.name) {
      let answer = try Answer(plan, photos) { try Tool.run($0 + ["--isa", level]) }
      #expect(answer == expected, "\(level)")
    }
    let hasForms = try !exactFormNames(Plan(path: plan)).isEmpty
    forEachBoard(boards) { board in
      let scratch = try Scratch()
      for level in board.levels {
        let options = ["--isa", level, "--threads", board.threads]
        let run = { try board("resnet-run", $0 + options) }
        #expect(try Answer(plan, photos, run) == expected, "\(board.cpu) \(level)")
        guard hasForms, level != "ref" else { continue }
        let forms = try recordForms(plan, options, in: scratch) { try board("resnet-run", $0) }
        let answer = try Answer(plan, photos) { try board("resnet-run", $0 + forms) }
        #expect(answer == expected, "\(board.cpu) \(level), in exact forms")
      }
    }
  }

  private func checkBits(random architecture: String, size: Int) throws {
    let scratch = try Scratch()
    let plan = scratch.path("random.plan")
    try Tool.quantize(
      "--random", architecture, "--input-size", "\(size)", "--class-count", "10", "-q", "-o", plan)
    try checkBits(plan)
  }

  @Test func sameBitsOfTheShippedModel() throws {
    try checkBits(ShippedModel.int8())
  }

  @Test func sameBitsOfTheShippedModelWithCodedConvolutions() throws {
    try checkBits(ShippedModel.fast())
  }

  @Test func sameBitsOfTheShippedModelInFloat32() throws {
    // Slow under emulation, and the other two CPUs have the same kernels.
    try checkBits(ShippedModel.float32(), [Board.all[0], Board.all[2]])
  }

  @Test func sameBitsOfTheShippedModelInHalfPrecision() throws {
    try checkBits(ShippedModel.float16(), [Board.all[0], Board.all[2]])
  }

  /// fp16 sums: the same bits for any number of threads, near those of float32 sums; elsewhere the same.
  @Test func sumsInHalfPrecision() throws {
    let plan = try ShippedModel.halfSums()
    let photo = [photos[1]]
    let expected = try Answer(plan, photo) { try Tool.run($0) }
    let a72 = Board.all[1]
    let a76 = Board.all[2]
    #expect(try Answer(plan, photo) { try a72("resnet-run", $0) } == expected)
    let answer = try Answer(plan, photo) { try a76("resnet-run", $0 + ["--threads", "1"]) }
    #expect(try Answer(plan, photo) { try a76("resnet-run", $0 + ["--threads", "3"]) } == answer)
    #expect(answer != expected, "no sum was in fp16")
    let ratio = signalToNoise(of: answer.logits.floats, against: expected.logits.floats)
    print("logits with fp16 sums: \(ratio) dB")
    #expect(ratio > 50)
  }

  /// Small images: the shipped model has the large ones. Bottlenecks, groups, gates, batch norms in front of
  /// convolutions and a stem without a pool.
  @Test(
    arguments: [
      ("resnet50", 97), ("seresnext50_32x4d", 64), ("preactresnet18", 32), ("resnet20", 33),
    ])
  func sameBitsOfRandomWeights(architecture: String, size: Int) throws {
    try checkBits(random: architecture, size: size)
  }

  /// Compares what every board writes with what this machine does, but for the times.
  @discardableResult
  private func checkText(
    _ arguments: [String], _ withoutTimes: @Sendable (ToolResult) -> [String]
  ) throws -> [String] {
    let expected = try withoutTimes(Tool.run(arguments))
    forEachBoard { board in
      let found = try withoutTimes(board("resnet-run", arguments))
      #expect(found == expected, "\(board.cpu)")
    }
    return expected
  }

  @Test func sameTextOfAPhoto() throws {
    // The last line has the times.
    let lines = try checkText([ShippedModel.int8(), photos[1], "--top", "3"]) {
      $0.lines.dropLast().map(String.init)
    }
    #expect(lines.count == 4)
  }

  @Test func theSamePhotosTeachTheSameBytes() throws {
    let scratch = try Scratch()
    try scratch.makeTeachingPhotos([2, 2, 2])
    let arguments = [
      try RandomPlan.small(), "--photos", scratch.path("photos"), "--reject", "10%", "--flip", "-o",
    ]
    let folder = scratch.url.path
    try Tool.teach(arguments + ["\(folder)/here"])
    let expected = try scratch.data("here")
    forEachBoard { board in
      let output = "\(folder)/\(board.cpu)"
      _ = try board("resnet-teach", arguments + [output, "--threads", board.threads])
      #expect(try Data(path: output) == expected, "\(board.cpu)")
    }
  }

  @Test(.sharedData) func sameAccuracyOf50Photos() throws {
    let all = try SharedData.validationPhotos()
    let scratch = try Scratch()
    for photo in stride(from: 0, to: all.count, by: all.count / 50).map({ all[$0] }) {
      let url = URL(fileURLWithPath: photo)
      let folder = try scratch.makeFolder(url.deletingLastPathComponent().lastPathComponent)
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/\(url.lastPathComponent)", withDestinationPath: photo)
    }
    // Fractions and count; then come the times.
    let lines = try checkText([ShippedModel.int8(), "--evaluate", scratch.url.path, "--no-tuning"])
    {
      $0.lines.prefix(3).map(String.init)
    }
    #expect(lines.last == "images    50")
  }

  @Test(arguments: ["yuv420", "nv12"]) func sameLinesForFrames(format: String) throws {
    let scratch = try Scratch()
    let frames = try scratch.write(randomBytes(3 * 160 * 120 * 3 / 2, seed: 3), to: "frames")
    let lines = try checkText(
      [
        ShippedModel.int8(), "--raw", "160x120:\(format)", frames, "--top", "10", "--no-tuning",
      ]
    ) { $0.lines.map { $0.components(separatedBy: ", \"inference_ms\"")[0] } }
    #expect(Set(lines).count == 3)
  }

  @Test func memory() throws {
    let plan = try ShippedModel.int8()
    let size = try Data(path: plan).count
    let peak = try Board.all[2].peakMemory(
      "resnet-run", [plan] + Array(repeating: photos[1], count: 5) + ["--threads", "2"])
    print("peak memory of resnet-run on an emulated Cortex-A76: \(peak) bytes, plan \(size)")
    #expect(peak > size, "all weights were read")
    #expect(peak < 18_000_000)
  }
}
