// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

final class ClassifyTests: XCTestCase {
  private let photos = ["tench", "church"].map(Repository.example)

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

  private func decode(_ json: Data) throws -> Line {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Line.self, from: json)
  }

  func testTextNamesTheFileTheClassesAndTheTimes() throws {
    let result = try Tool.run(RandomPlan.path(), photos[0], "--top", "3")
    XCTAssertEqual(result.status, 0, result.errors)
    XCTAssertEqual(result.errors, "")
    let lines = result.text.split(separator: "\n")
    XCTAssertEqual(lines.count, 5, result.text)
    XCTAssertEqual(lines[0], photos[0][...])
    for line in lines[1...3] { XCTAssertTrue(line.contains(" %  class "), result.text) }
    XCTAssertTrue(lines[4].hasPrefix("  inference "), result.text)
  }

  func testOneJSONObjectForEachImage() throws {
    let result = try Tool.run.run([RandomPlan.path()] + photos + ["--json"])
    XCTAssertEqual(result.status, 0, result.errors)
    let lines = try result.text.split(separator: "\n").map { try decode(Data($0.utf8)) }
    XCTAssertEqual(lines.map(\.file), photos)
    for line in lines {
      XCTAssertEqual(line.top.count, 5)
      XCTAssertEqual(line.top.map(\.label), line.top.map { "class \($0.index)" })
      XCTAssertEqual(line.top.map(\.probability), line.top.map(\.probability).sorted(by: >))
      XCTAssertTrue(line.inferenceMs > 0 && line.inputMs > 0)
    }
  }

  func testJSONLinesLongerThanATextLineAreWhole() throws {
    let result = try Tool.run(RandomPlan.path(), photos[0], "--json", "--top", "65536")
    let line = try decode(result.output)
    XCTAssertEqual(Set(line.top.map(\.index)), Set(0..<1000))
    XCTAssertEqual(line.top.map(\.probability).reduce(0, +), 1, accuracy: 1e-3)
  }

  func testVectorsOfAllImagesInOrder() throws {
    let scratch = try Scratch()
    let plan = try RandomPlan.path()
    func vectors(_ photos: [String]) throws -> (features: Data, logits: Data) {
      let result = try Tool.run.run(
        [plan] + photos
          + ["--features", scratch.path("f.f32"), "--logits", scratch.path("l.f32")])
      XCTAssertEqual(result.status, 0, result.errors)
      XCTAssertEqual(try scratch.names(), ["f.f32", "l.f32"])
      return (
        try Data(contentsOf: URL(fileURLWithPath: scratch.path("f.f32"))),
        try Data(contentsOf: URL(fileURLWithPath: scratch.path("l.f32")))
      )
    }
    let both = try vectors(photos)
    XCTAssertEqual(both.features.count, 2 * 512 * 4)
    XCTAssertEqual(both.logits.count, 2 * 1000 * 4)
    let one = try vectors([photos[0]])
    let other = try vectors([photos[1]])
    XCTAssertEqual(both.features, one.features + other.features)
    XCTAssertEqual(both.logits, one.logits + other.logits)
    XCTAssertNotEqual(one.logits, other.logits)
  }

  func testProbabilitiesAreTheSoftmaxOfTheLogits() throws {
    let scratch = try Scratch()
    let result = try Tool.run(
      RandomPlan.path(), photos[0], "--logits", scratch.path("l"), "--probabilities",
      scratch.path("p"), "--json")
    XCTAssertEqual(result.status, 0, result.errors)
    func read(_ name: String) throws -> [Float] {
      try Data(contentsOf: URL(fileURLWithPath: scratch.path(name)))
        .withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
    let logits = try read("l").map(Double.init)
    let powers = logits.map { exp($0 - logits.max()!) }
    let sum = powers.reduce(0, +)
    let probabilities = try read("p")
    XCTAssertEqual(probabilities.count, 1000)
    for (power, probability) in zip(powers, probabilities) {
      XCTAssertEqual(power / sum, Double(probability), accuracy: 1e-6)
    }
    let top = try decode(result.output).top[0]
    XCTAssertEqual(Double(probabilities[top.index]), top.probability, accuracy: 1e-6)
  }

  func testThreadsOnChosenCPUs() throws {
    let cpu = try XCTUnwrap(firstCPU())
    let plan = try RandomPlan.path()
    func labels(_ options: [String]) throws -> [Int] {
      let result = try Tool.run.run([plan, photos[0], "--json"] + options)
      XCTAssertEqual(result.status, 0, result.errors)
      return try decode(result.output).top.map(\.index)
    }
    XCTAssertEqual(try labels(["--cpus", "\(cpu)"]), try labels(["--threads", "1"]))
    let both = try Tool.run(plan, photos[0], "--cpus", "\(cpu)", "--threads", "1")
    XCTAssertEqual(both.status, 2)
    XCTAssertTrue(both.errors.contains("expected --cpus or --threads, found both"), both.errors)
  }

  /// A CPU that this process may use.
  private func firstCPU() throws -> Int? {
    try String(contentsOfFile: "/proc/self/status", encoding: .utf8).split(separator: "\n")
      .first { $0.hasPrefix("Cpus_allowed_list:") }?
      .split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }
  }

  func testUnreadableImageIsReportedAndTheOthersAreProcessed() throws {
    let scratch = try Scratch()
    let result = try Tool.run(
      RandomPlan.path(), photos[0], "/nonexistent.jpg", photos[1], "--json",
      "--features", scratch.path("f.f32"))
    assertFailure(result, "/nonexistent.jpg: No such file or directory")
    XCTAssertEqual(result.text.split(separator: "\n").count, 2)
    XCTAssertEqual(try scratch.names(), [])
  }

  func testNothingIsLeftBehindWhenVectorsCannotBeWritten() throws {
    let scratch = try Scratch()
    let plan = try RandomPlan.path()
    assertFailure(
      try Tool.run(
        plan, photos[0], "--features", scratch.path("f.f32"), "--logits", scratch.path("no/l.f32")),
      "no/l.f32: cannot write the file: No such file or directory")
    XCTAssertEqual(try scratch.names(), [])
    assertFailure(
      try Tool.run(plan, photos[0], "--logits", "/dev/null"), "expected a regular file")
  }

  func testFullStandardOutput() throws {
    let full = try XCTUnwrap(FileHandle(forWritingAtPath: "/dev/full"))
    assertFailure(
      try Tool.run(RandomPlan.path(), photos[0], output: full), "cannot write to standard output")
  }
}
