// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetRuntime
import TestPlans
import Testing
import ToolSupport

/// `--tuning`, `--no-tuning`, `--memory` and `--verbose`.
extension BoardTools.TuningTests {
  private var photo: String { Repository.example("church") }

  private func lines(_ scratch: Scratch, _ name: String) throws -> [Substring] {
    try String(contentsOfFile: scratch.path(name), encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
  }

  @Test func aTuningIsWrittenOnceAndReadThen() throws {
    let scratch = try Scratch()
    let plan = try ShippedModel.int8()
    let (file, threads) = (scratch.path("tuning"), ["--threads", "2"])
    let direct = try Tool.run(plan, photo, "--verbose", "--threads", "2")
    #expect(!direct.errors.contains("winograd"))
    let first = try Tool.run([plan, photo, "--verbose", "--tuning", file] + threads)
    let written = try lines(scratch, "tuning")
    #expect(written[0] == "resnet-runtime tuning 1" && written[3] == "threads 2")
    #expect(written.last == "")
    let (head, forms) = (written.prefix(4), written.dropFirst(4).dropLast())
    // Every line that was written is told, with its bytes and times.
    for line in forms {
      let words = line.split(separator: " ")
      let told = try #require(
        first.errors.split(separator: "\n").first { $0.hasPrefix(words[0] + " ") })
      #expect(
        told.contains("winograd_q8_\(words[1])_") && told.contains("kB") && told.contains("direct"))
    }
    // One written by hand is used as it is, and stays.
    let mine = head + ["layer1.0.conv1 2x2", "layer3.1.conv2 4x4", ""]
    try scratch.write(Data(mine.joined(separator: "\n").utf8), to: "tuning")
    let second = try Tool.run([plan, photo, "--verbose", "--tuning", file] + threads)
    let winograd = second.errors.split(separator: "\n").filter { $0.contains("winograd_q8") }
    #expect(winograd.map { $0.prefix { $0 != " " } } == ["layer1.0.conv1", "layer3.1.conv2"])
    #expect(try lines(scratch, "tuning") == Array(mine))
    // The lines before the last one name classes and probabilities.
    for result in [first, second] { #expect(result.lines.dropLast() == direct.lines.dropLast()) }
  }

  @Test func whatIsNoTuningOfThisSessionIsRefused() throws {
    let scratch = try Scratch()
    let plan = try RandomPlan.small()
    let file = scratch.path("tuning")
    try Tool.run(plan, photo, "--tuning", file, "--threads", "1")
    try Tool.bench.fails(
      [plan, "--tuning", file, "--threads", "2"],
      "\(file): expected a tuning for as many threads, found one for others; without the file, the session is tuned anew"
    )
    try scratch.write(Data("something\n".utf8), to: "other")
    try Tool.run.fails(
      [plan, photo, "--tuning", scratch.path("other")],
      "\(scratch.path("other")): expected a tuning, which starts with resnet-runtime tuning 1; without the file, the session is tuned anew"
    )
    try scratch.write(Data(), to: "empty")
    try Tool.run.fails(
      [plan, photo, "--tuning", scratch.path("empty")],
      "\(scratch.path("empty")): the file is empty")
    #expect(try lines(scratch, "other") == ["something", ""])
  }

  @Test func memoryIsALimitThatIsKnownBefore() throws {
    let plan = try ShippedModel.int8()
    let told = try Tool.quantize("inspect", plan, "--memory", "16").text
    let bytes = told.split(separator: "\n").map { line in
      line.split(separator: " ").compactMap { Int($0) }
    }
    let (file, least, most) = (bytes[0][0], bytes[1][0], bytes[2][0])
    #expect(file + most <= 16_000_000 && least < most)
    for (limit, upTo) in [("16", most), ("13", 13_000_000 - file)] {
      let result = try Tool.bench(
        [plan, "--memory", limit, "--threads", "1", "--seconds", "0.01"])
      let line = try #require(result.lines.first { $0.hasPrefix("memory ") })
      let numbers = line.split { !$0.isNumber }.compactMap { Int($0) }
      #expect(numbers[0] == file && least...upTo ~= numbers[1], "\(line)")
      #expect(numbers[2] <= numbers[1] - least)
    }
    let reason =
      "expected memory of at least \(file + least) bytes for plan and session, found 12000000"
    try Tool.run.fails([plan, photo, "--memory", "12", "--threads", "1"], reason)
    try Tool.quantize.fails(["inspect", plan, "--memory", "12"], reason)
  }
}
