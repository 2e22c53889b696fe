// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What `resnet-bench` writes. No test depends on how long anything takes.
final class BenchTests: XCTestCase {
  private struct Row: Decodable {
    var name: String
    var minMs, medianMs, p90Ms, p99Ms, noiseMs, sharePercent: Double
    var macs: Int
    var gmacPerS, percentOfPeak: Double
    var kernel: String
  }

  private struct Measurement: Decodable {
    struct Latency: Decodable { var min, median, p90, p99, noise: Double }
    var latencyMs: Latency
    var blocks: [Row]
    var steps: [Row]?
    var threads: Int
    var isa: String
    var cpu: String?
    var planSha256: String
    var outputCrc32C: String
    var runs: Int
  }

  /// A plan that `ref` runs in a moment.
  private static let plan = Result {
    let path = Tool.products.appendingPathComponent("bench.plan").path
    let made = try Tool.quantize("--random", "resnet18", "--input-size", "64", "-q", "-o", path)
    guard made.status == 0 else { throw ToolFailure(errors: made.errors) }
    return path
  }

  private static let blocks =
    ["stem"] + (1...4).flatMap { ["layer\($0).0", "layer\($0).1"] } + ["head"]

  private func bench(_ options: [String]) throws -> ToolResult {
    try Tool.bench.run([Self.plan.get(), "--seconds", "0.2"] + options)
  }

  private func measure(_ options: [String] = []) throws -> Measurement {
    let scratch = try Scratch()
    let result = try bench(options + ["--json", scratch.path("new.json")])
    XCTAssertEqual(result.status, 0, result.errors)
    XCTAssertEqual(try scratch.names(), ["new.json"])
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(
      Measurement.self, from: Data(contentsOf: URL(fileURLWithPath: scratch.path("new.json"))))
  }

  func testTextHasAHeaderARowForEachBlockAndBothTotals() throws {
    let result = try bench([])
    XCTAssertEqual(result.status, 0, result.errors)
    XCTAssertEqual(result.errors, "")
    let lines = result.text.split(separator: "\n").map(String.init)
    let header = [
      "plan ", "plan sha256 ", "output crc ", "cpu ", "isa ", "governor ", "clock ", "temperature ",
      "throttling ", "peak ", "runs ",
    ]
    for (line, start) in zip(lines, header) { XCTAssertTrue(line.hasPrefix(start), result.text) }
    let rows = lines.dropFirst(header.count + 1)
    for (line, name) in zip(rows, Self.blocks + ["sum", "whole run"]) {
      XCTAssertTrue(line.hasPrefix(name + " "), result.text)
    }
    XCTAssertTrue(lines.last?.hasPrefix("sum / whole run ") ?? false, result.text)
  }

  func testJSONSaysWhatWasMeasured() throws {
    let plan = try Self.plan.get()
    let measurement = try measure(["--threads", "1"])
    XCTAssertEqual(measurement.threads, 1)
    XCTAssertEqual(measurement.planSha256, try sha256sum(plan))
    XCTAssertEqual(measurement.outputCrc32C.count, 8)
    XCTAssertGreaterThanOrEqual(measurement.runs, 20)
    XCTAssertEqual(measurement.blocks.map(\.name), Self.blocks)
    XCTAssertNil(measurement.steps)
    XCTAssertEqual(measurement.blocks.map(\.sharePercent).reduce(0, +), 100, accuracy: 0.1)
    for row in measurement.blocks {
      XCTAssertGreaterThan(row.minMs, 0)
      XCTAssertLessThanOrEqual(row.minMs, row.medianMs)
      XCTAssertLessThanOrEqual(row.medianMs, row.p90Ms)
      XCTAssertLessThanOrEqual(row.p90Ms, row.p99Ms)
      XCTAssertGreaterThan(row.macs, 0)
      XCTAssertTrue(row.kernel.contains("_q8_"), row.kernel)
    }
    XCTAssertEqual(measurement.blocks.last?.macs, 512 * 1000)
    XCTAssertLessThanOrEqual(measurement.latencyMs.min, measurement.latencyMs.median)
  }

  /// Where the kernel does not tell, the Raspberry Pi's own tool does.
  func testThrottlingAsTheFirmwareTellsIt() throws {
    guard !FileManager.default.fileExists(atPath: "/sys/bus/platform/drivers/raspberrypi-firmware")
    else { throw XCTSkip("the kernel tells the firmware's flags") }
    let cases = [
      ("echo throttled=0x0", "none"),
      ("echo throttled=0x50005", "under-voltage, throttled while measuring"),
      ("echo throttled=0x20000", "clock capped since power-on"),
      ("echo throttled=yes", nil), ("exit 1", nil),
    ]
    for (command, expected) in cases {
      let scratch = try Scratch()
      let tool = scratch.path("vcgencmd")
      try Data("#!/bin/sh\n[ \"$1\" = get_throttled ] && \(command)\n".utf8)
        .write(to: URL(fileURLWithPath: tool))
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: tool)
      let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
      let result = try Tool.bench.run(
        [Self.plan.get(), "--seconds", "0.01"],
        environment: ["PATH": "\(scratch.url.path):\(path)"])
      XCTAssertEqual(result.status, 0, result.errors)
      let line = try XCTUnwrap(
        result.text.split(separator: "\n").first { $0.hasPrefix("throttling ") })
      let found = line.dropFirst("throttling ".count).trimmingCharacters(in: .whitespaces)
      if let expected {
        XCTAssertEqual(found, expected, command)
      } else {
        XCTAssertFalse(found.contains("while measuring"), found)
      }
    }
  }

  func testStepsAddUpToTheBlocks() throws {
    let measurement = try measure(["--per-step"])
    let steps = try XCTUnwrap(measurement.steps)
    XCTAssertEqual(steps.count, 23)
    XCTAssertEqual(steps.first?.name, "input")
    XCTAssertEqual(steps.last?.name, "fc")
    XCTAssertEqual(
      steps.map(\.macs).reduce(0, +), measurement.blocks.map(\.macs).reduce(0, +))
  }

  func testSameOutputForAllThreadsAndInstructionSets() throws {
    let reference = try measure(["--isa", "ref", "--threads", "2", "--seconds", "0.01"])
    XCTAssertEqual(reference.isa, "ref")
    XCTAssertEqual(Set(reference.blocks.map(\.kernel)), ["conv_q8_ref", "linear_q8_ref"])
    for threads in 1...3 {
      let other = try measure(["--threads", "\(threads)"])
      XCTAssertEqual(other.outputCrc32C, reference.outputCrc32C)
      XCTAssertEqual(other.planSha256, reference.planSha256)
    }
  }

  func testCSV() throws {
    let scratch = try Scratch()
    let result = try bench(["--csv", scratch.path("new.csv"), "--per-step"])
    XCTAssertEqual(result.status, 0, result.errors)
    let lines = try String(contentsOfFile: scratch.path("new.csv"), encoding: .utf8)
      .split(separator: "\n")
    XCTAssertEqual(lines.count, 24)
    XCTAssertTrue(lines[0].hasPrefix("name,min_ms,median_ms,"))
    for line in lines { XCTAssertEqual(line.split(separator: ",").count, 11, String(line)) }
  }

  func testSVGIsWellFormedWhateverThePlanIsCalled() throws {
    let scratch = try Scratch()
    let plan = scratch.path("<a> & \"b\" é.plan")
    try FileManager.default.copyItem(atPath: Self.plan.get(), toPath: plan)
    let result = try Tool.bench(
      plan, "--seconds", "0.01", "--svg", scratch.path("new.svg"), "--json", scratch.path("a.json"))
    XCTAssertEqual(result.status, 0, result.errors)
    let data = try Data(contentsOf: URL(fileURLWithPath: scratch.path("new.svg")))
    let parser = XMLParser(data: data)
    XCTAssertTrue(parser.parse(), "\(String(describing: parser.parserError))")
    let text = String(decoding: data, as: UTF8.self)
    XCTAssertTrue(text.contains("&lt;a&gt; &amp; \"b\" é.plan"), text)
    for name in Self.blocks { XCTAssertTrue(text.contains(">\(name)<"), name) }
    let json = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(fileURLWithPath: scratch.path("a.json"))))
    XCTAssertEqual((json as? [String: Any])?["plan"] as? String, plan)
  }

  func testBaselineIsComparedRowByRow() throws {
    let scratch = try Scratch()
    let old = scratch.path("old.json")
    XCTAssertEqual(try bench(["--json", old, "--threads", "1", "--per-step"]).status, 0)
    // Twice the medians without noise are out of reach of any noise.
    let text = try String(contentsOfFile: old, encoding: .utf8)
    let slower = text.replacing(/"(median_ms|median)": ([0-9.]+)/) {
      "\"\($0.output.1)\": \(Double($0.output.2)! * 1000)"
    }
    try slower.write(toFile: old, atomically: true, encoding: .utf8)
    for (option, count) in [("--per-block", 11), ("--per-step", 24)] {
      let result = try bench(["--baseline", old, "--threads", "1", option])
      XCTAssertEqual(result.status, 0, result.errors)
      XCTAssertEqual(
        result.text.split(separator: "\n").count { $0.hasSuffix("faster") }, count, result.text)
      XCTAssertFalse(result.text.contains("the baseline has another"), result.text)
    }
    let other = try bench(["--baseline", old, "--threads", "2", "--json", old])
    XCTAssertTrue(other.text.contains("the baseline has another threads\n"), other.text)
  }

  func testDamagedBaselinesAreRefused() throws {
    let scratch = try Scratch()
    let file = scratch.path("old.json")
    func check(_ text: String, _ reason: String, line: UInt = #line) throws {
      try text.write(toFile: file, atomically: true, encoding: .utf8)
      let result = try bench(["--baseline", file])
      assertFailure(result, reason, tool: "resnet-bench", line: line)
      XCTAssertEqual(result.text, "", line: line)
    }
    let latency = "\"latency_ms\": {\"median\": 1, \"noise\": 0}"
    let row = "{\"name\": \"stem\", \"median_ms\": 1, \"noise_ms\": 0}"
    try check("", "the file is empty")
    try check("no JSON", "byte 0: expected an object")
    try check("{}", "expected latency_ms before the end")
    try check("{\(latency)}", "expected blocks before the end")
    try check("{\(latency), \"blocks\": []}", "expected blocks before the end")
    try check("{\(latency), \"blocks\": [\(row)}", "expected a comma or ]")
    try check("{\(latency), \"blocks\": [\(row)]} x", "expected the end of the file")
    try check("{\(latency), \"blocks\": [{\"median_ms\": 1, \"noise_ms\": 0}]}", "expected a name")
    try check("{\"latency_ms\": {\"median\": 0, \"noise\": 0}}", "expected a median above 0")
    try check("{\"latency_ms\": {\"median\": 1e999, \"noise\": 0}}", "expected a number")
    try check("{\"latency_ms\": {\"median\": -, \"noise\": 0}}", "expected a value")
    try check("{\"latency_ms\": \"fast\"}", "expected an object")
    try check("{\"a\": \"b", "expected the end of a string")
    try check("{\"a\": \"\\x\"}", "expected an escape that JSON has")
    try check("{\"a\": " + String(repeating: "[", count: 100_000), "expected at most 32 nested")
    try check("{\"a\": \(String(repeating: "1", count: 100_000))}", "less than 64 characters")
    let rows = Array(repeating: row, count: 1025).joined(separator: ",")
    try check("{\(latency), \"blocks\": [\(rows)]}", "expected at most 1024 rows")
    assertFailure(
      try bench(["--baseline", "/nonexistent.json"]), "No such file or directory",
      tool: "resnet-bench")
  }

  func testUnwritableFilesAreNoticedBeforeTheMeasurement() throws {
    let scratch = try Scratch()
    for option in ["--json", "--csv", "--svg"] {
      let result = try bench([
        "--csv", scratch.path("a.csv"), option, scratch.path("no/such"),
      ])
      assertFailure(result, "no/such: cannot write the file: No such file", tool: "resnet-bench")
      XCTAssertEqual(result.text, "")
      XCTAssertEqual(try scratch.names(), [])
      assertFailure(
        try bench([option, "/dev/full"]), "expected a regular file", tool: "resnet-bench")
    }
    let full = try XCTUnwrap(FileHandle(forWritingAtPath: "/dev/full"))
    let result = try Tool.bench.run(
      [Self.plan.get(), "--seconds", "0.01", "--svg", scratch.path("a.svg")], output: full)
    assertFailure(result, "cannot write to standard output", tool: "resnet-bench")
    XCTAssertEqual(try scratch.names(), [])
  }

  func testPlanAndEnvironmentErrors() throws {
    assertFailure(
      try Tool.bench("/nonexistent.plan"), "No such file or directory", tool: "resnet-bench")
    assertFailure(
      try Tool.bench(Repository.example("tench")), "not a plan file", tool: "resnet-bench")
    assertFailure(
      try Tool.bench.run([Self.plan.get()], environment: ["RN_ISA": "z80"]),
      "RN_ISA: unknown instruction set", tool: "resnet-bench")
  }

  func testHelp() throws {
    let help = try Tool.bench("--help")
    XCTAssertEqual(help.status, 0)
    XCTAssertTrue(help.text.hasPrefix("usage: resnet-bench MODEL.plan"))
    XCTAssertTrue(help.text.hasSuffix("--baseline before.json\n"), "the help is cut off")
  }

  func testWrongUsageGivesTheReasonTheHelpAndStatus2() throws {
    let cases: [([String], String)] = [
      ([], "expected a plan, found none"),
      (["m.plan", "n.plan"], "expected one plan and options, found also n.plan"),
      (["m.plan", "--frobnicate"], "unknown option --frobnicate"),
      (["m.plan", "--json"], "expected a value after --json"),
      (["m.plan", "--threads", "0"], "from 1 to 64 after --threads, found 0"),
      (["m.plan", "--isa", "z80"], "--isa z80: unknown instruction set"),
      (["m.plan", "--per-block", "--per-step"], "expected --per-block or --per-step, found both"),
      (["m.plan", "--json", "a", "--svg", "a"], "--json and --svg name the same file a"),
    ]
    let seconds = ["0", "-1", "1e3", "1.2.3", "nan", "0x10", "86401", "2s"].map {
      (["m.plan", "--seconds", $0], "0.01 to 86400 seconds after --seconds, found \($0)")
    }
    for (arguments, reason) in cases + seconds {
      let result = try Tool.bench.run(arguments)
      XCTAssertEqual(result.status, 2, "\(arguments)")
      XCTAssertFalse(result.isCrash, "\(arguments)")
      XCTAssertEqual(result.text, "", "\(arguments)")
      let lines = result.errors.split(separator: "\n", omittingEmptySubsequences: false)
      XCTAssertTrue(lines[0].hasPrefix("resnet-bench: "), result.errors)
      XCTAssertTrue(lines[0].contains(reason), result.errors)
      XCTAssertTrue(lines[2].hasPrefix("usage: "), result.errors)
    }
  }

  /// The digest that coreutils computes.
  private func sha256sum(_ path: String) throws -> String {
    let sum = Tool(url: URL(fileURLWithPath: "/usr/bin/sha256sum"))
    return String(try sum(path).text.prefix(64))
  }
}
