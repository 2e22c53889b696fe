// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

extension BoardTools.ClassifyTests {
  private var photos: [String] { ["tench", "church"].map(Repository.example) }

  private struct Line: Decodable {
    struct Label: Decodable {
      var index: Int
      var label: String
      var probability: Double
    }
    var file: String
    var top: [Label]
    var inferenceMs: Double
    var inputMs: Double
  }

  private func lines(_ arguments: [String]) throws -> [Line] {
    try Tool.run([RandomPlan.full()] + arguments + ["--json"]).decoded(Line.self)
  }

  @Test func textNamesTheFileTheClassesAndTheTimes() throws {
    let result = try Tool.run(RandomPlan.full(), photos[0], "--top", "3")
    #expect(result.errors == "")
    let lines = result.lines
    try #require(lines.count == 5)
    #expect(lines[0] == photos[0])
    for line in lines[1...3] { #expect(line.contains(" %  class ")) }
    #expect(lines[4].hasPrefix("  inference "))
  }

  @Test func oneJSONObjectForEachImage() throws {
    let lines = try lines(photos)
    #expect(lines.map(\.file) == photos)
    for line in lines {
      #expect(line.top.count == 5)
      #expect(line.top.map(\.label) == line.top.map { "class \($0.index)" })
      #expect(line.top.map(\.probability) == line.top.map(\.probability).sorted(by: >))
      #expect(line.inferenceMs > 0 && line.inputMs > 0)
    }
  }

  @Test func jsonLinesLongerThanATextLineAreWhole() throws {
    let line = try lines([photos[0], "--top", "65536"])[0]
    #expect(Set(line.top.map(\.index)) == Set(0..<1000))
    #expect(abs(line.top.map(\.probability).reduce(0, +) - 1) < 1e-3)
  }

  @Test func vectorsOfAllImagesInOrder() throws {
    let scratch = try Scratch()
    let plan = try RandomPlan.full()
    func vectors(_ photos: [String]) throws -> (features: Data, logits: Data) {
      try Tool.run(
        [plan] + photos + ["--features", scratch.path("f"), "--logits", scratch.path("l")])
      #expect(try scratch.names() == ["f", "l"])
      return (try scratch.data("f"), try scratch.data("l"))
    }
    let both = try vectors(photos)
    #expect(both.features.count == 2 * 512 * 4)
    #expect(both.logits.count == 2 * 1000 * 4)
    let (one, other) = (try vectors([photos[0]]), try vectors([photos[1]]))
    #expect(both.features == one.features + other.features)
    #expect(both.logits == one.logits + other.logits)
    #expect(one.logits != other.logits)
  }

  @Test func probabilitiesAreTheSoftmaxOfTheLogits() throws {
    let scratch = try Scratch()
    let line = try lines([
      photos[0], "--logits", scratch.path("l"), "--probabilities", scratch.path("p"),
    ])[0]
    let logits = try scratch.data("l").floats.map(Double.init)
    let powers = logits.map { exp($0 - logits.max()!) }
    let sum = powers.reduce(0, +)
    let probabilities = try scratch.data("p").floats.map(Double.init)
    #expect(probabilities.count == 1000)
    let worst = zip(powers, probabilities).map { abs($0 / sum - $1) }.max()
    #expect(try #require(worst) < 1e-6)
    let top = line.top[0]
    #expect(abs(probabilities[top.index] - top.probability) < 1e-6)
  }

  @Test func threadsOnChosenCPUs() throws {
    // A CPU that this process may use.
    let cpu = try #require(
      String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        .firstMatch(of: /Cpus_allowed_list:\s*(\d+)/)?.1)
    func labels(_ options: [String]) throws -> [Int] {
      try lines([photos[0]] + options)[0].top.map(\.index)
    }
    #expect(try labels(["--cpus", "\(cpu)"]) == labels(["--threads", "1"]))
  }

  @Test func unreadableImageIsReportedAndTheOthersAreProcessed() throws {
    let scratch = try Scratch()
    let result = try Tool.run.fails(
      [
        RandomPlan.full(), photos[0], "/nonexistent.jpg", photos[1], "--json", "--features",
        scratch.path("f"),
      ], "/nonexistent.jpg: No such file or directory")
    #expect(result.lines.count == 2)
    #expect(try scratch.names() == [])
  }

  @Test func nothingIsLeftBehindWhenVectorsCannotBeWritten() throws {
    let scratch = try Scratch()
    let arguments = [try RandomPlan.full(), photos[0]]
    try Tool.run.fails(
      arguments + ["--features", scratch.path("f"), "--logits", scratch.path("no/l.f32")],
      "no/l.f32: cannot write the file: No such file or directory")
    #expect(try scratch.names() == [])
    try Tool.run.fails(arguments + ["--logits", "/dev/null"], "expected a regular file")
  }

  @Test func fullStandardOutput() throws {
    try Tool.run.fails(
      [RandomPlan.full(), photos[0]], "cannot write to standard output",
      output: #require(FileHandle(forWritingAtPath: "/dev/full")))
  }
}
