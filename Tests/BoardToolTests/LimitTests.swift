// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// Limits on processes, memory and descriptors: the tools go on with what there is, or say in a line that they cannot.
extension BoardTools.LimitTests {
  private var photo: String { Repository.example("church") }
  private var warning: String { "the system started 1 of 3 threads; going on with them\n" }

  @Test func withoutThreadsThereIsTheFirst() throws {
    let words = [try RandomPlan.small(), photo, "--threads", "3"]
    let limited = try Tool.run.end(words, under: "--nproc=1")
    #expect(limited.status == 0 && limited.errors == "resnet-run: \(warning)", "\(limited.errors)")
    // The last line has the times.
    #expect(try limited.lines.dropLast() == Tool.run(words).lines.dropLast())
  }

  @Test func measurementsWithoutThreads() throws {
    func checksum(_ result: ToolResult) throws -> Substring {
      try #require(result.lines.first { $0.hasPrefix("output crc") }, "\(result.errors)")
    }
    let words = [try RandomPlan.small(), "--threads", "3", "--seconds", "0.01"]
    let limited = try Tool.bench.end(words, under: "--nproc=1")
    #expect(limited.status == 0 && limited.errors == "resnet-bench: \(warning)")
    #expect(limited.text.contains(", 1 thread\n"))
    #expect(try checksum(limited) == checksum(Tool.bench(words)))
  }

  /// A recorded tuning belongs to the threads that were asked for.
  @Test func recordedTuningsWithoutThreads() throws {
    let scratch = try Scratch()
    let words = [
      try RandomPlan.small(), photo, "--threads", "3", "--tuning", scratch.path("tuning"),
    ]
    let first = try Tool.run(words)
    let limited = try Tool.run.end(words, under: "--nproc=1")
    #expect(limited.status == 0 && limited.errors == "resnet-run: \(warning)", "\(limited.errors)")
    #expect(limited.lines.dropLast() == first.lines.dropLast())
  }

  private struct Frame: Decodable, Equatable {
    var frame, index: Int
    var probability: Double
  }

  @Test(arguments: [[], ["--latest"]])
  func framesWithoutAThreadToReadThem(options: [String]) throws {
    let scratch = try Scratch()
    var generator = SystemRandomNumberGenerator()
    let frames = (0..<5 * 80 * 60 * 3).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let file = try scratch.write(frames, to: "frames")
    let words = [try RandomPlan.small(), "--raw", "80x60:rgb24", file, "--threads", "1"]
    let limited = try Tool.run.end(words + options, under: "--nproc=1")
    #expect(limited.status == 0)
    #expect(
      limited.errors == """
        resnet-run: the system started no thread to read with; going on, and reading between inferences
        resnet-run: 5 frames, 5 classified

        """)
    #expect(try limited.decoded(Frame.self) == Tool.run(words).decoded(Frame.self))
  }

  @Test func littleAddressSpaceIsEnoughOrSaid() throws {
    let words = [try RandomPlan.full(), photo, "--threads", "2", "--top", "1"]
    let classes = try Tool.run(words).lines.dropLast()
    var statuses: Set<Int32> = []
    for megabytes in stride(from: 12, through: 100, by: 4) {
      let result = try Tool.run.end(words, under: "--as=\(megabytes * 1_000_000)")
      statuses.insert(result.status)
      // At most one line; and one before it of a thread that found no room.
      let lines = result.errors.split(separator: "\n").drop {
        $0.contains("1 of 2 threads; going on")
      }
      #expect(!result.isCrash && lines.count <= 1, "\(result.errors)")
      switch result.status {
      case 0: #expect(result.lines.dropLast() == classes)
      // The dynamic linker's own words.
      case 127: #expect(result.errors.contains("shared"))
      default: #expect(result.status == 1 && result.errors.hasPrefix("resnet-run: "))
      }
    }
    #expect(statuses.isSuperset(of: [0, 1]), "\(statuses)")
  }

  @Test func fewDescriptorsAreEnoughOrSaid() throws {
    let scratch = try Scratch()
    let plan = try RandomPlan.small()
    let classes = try Tool.run(plan, photo).lines.dropLast()
    let file = try scratch.write([UInt8](repeating: 9, count: 3 * 64), to: "frames")
    for count in 4...16 {
      let classified = try Tool.run.end(
        [plan, photo, "--logits", scratch.path("l"), "--features", scratch.path("f")],
        under: "--nofile=\(count)")
      let streamed = try Tool.run.end(
        [plan, "--raw", "8x8:rgb24", file], under: "--nofile=\(count)")
      for result in [classified, streamed] {
        #expect(!result.isCrash && result.status <= 1, "\(result.errors)")
        if result.status == 1 { result.isFailure("Too many open files", of: "resnet-run") }
      }
      if classified.status == 0 { #expect(classified.lines.dropLast() == classes) }
      #expect(count < 10 || classified.status == 0 && streamed.status == 0)
    }
  }
}
