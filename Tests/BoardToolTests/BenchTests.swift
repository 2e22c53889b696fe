// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What `resnet-bench` writes. No test depends on how long anything takes.
extension BoardTools.BenchTests {
  private struct Row: Decodable {
    var name: String
    var minMs, medianMs, p90Ms, p99Ms, noiseMs, sharePercent: Double
    var macs: Int
    var gmacPerS, percentOfPeak: Double
    var kernel: String
  }

  private struct Measurement: Decodable {
    struct Latency: Decodable { var min, median, p90, p99, noise: Double }
    struct Batch: Decodable { var images: Int, imagesPerS, singleImagesPerS, medianMs: Double }
    var latencyMs: Latency
    var batch: Batch?
    var blocks: [Row]
    var steps: [Row]?
    var threads: Int
    var isa: String
    var cpu: String?
    var planSha256: String
    var outputCrc32C: String
    var runs: Int
  }

  private static let blocks =
    ["stem"] + (1...4).flatMap { ["layer\($0).0", "layer\($0).1"] } + ["head"]

  private func bench(_ options: [String]) throws -> ToolResult {
    try Tool.bench([RandomPlan.small(), "--seconds", "0.05"] + options)
  }

  private func fails(
    _ options: [String], _ reason: String, at location: SourceLocation = #_sourceLocation
  ) throws {
    let result = try Tool.bench.fails(
      [RandomPlan.small(), "--seconds", "0.01"] + options, reason, at: location)
    #expect(result.text == "", sourceLocation: location)
  }

  private func measure(_ options: [String] = []) throws -> Measurement {
    let scratch = try Scratch()
    _ = try bench(options + ["--json", scratch.path("new.json")])
    #expect(try scratch.names() == ["new.json"])
    return try JSON.decode(Measurement.self, from: scratch.data("new.json"))
  }

  @Test func textHasAHeaderARowForEachBlockAndBothTotals() throws {
    let result = try bench([])
    #expect(result.errors == "")
    let header = [
      "plan ", "plan sha256 ", "output crc ", "cpu ", "isa ", "memory ", "governor ", "clock ",
      "temperature ", "throttling ", "peak ", "runs ",
    ]
    for (line, start) in zip(result.lines, header) { #expect(line.hasPrefix(start)) }
    let rows = result.lines.dropFirst(header.count + 1)
    for (line, name) in zip(rows, Self.blocks + ["sum", "whole run"]) {
      #expect(line.hasPrefix(name + " "))
    }
    #expect(rows.count == Self.blocks.count + 3)
    #expect(rows.last?.hasPrefix("sum / whole run ") == true)
  }

  @Test func aBatchIsComparedWithOneImageAtATime() throws {
    for threads in ["1", "2"] {
      let result = try bench(["--batch", "3", "--threads", threads])
      #expect(result.lines.last?.hasPrefix("batches of 3: ") == true)
      let measurement = try measure(["--batch", "3", "--threads", threads])
      let batch = try #require(measurement.batch)
      #expect(batch.images == 3)
      #expect(abs(batch.imagesPerS * batch.medianMs / 3000 - 1) < 0.01)
      #expect(batch.singleImagesPerS > 0)
    }
    #expect(try measure().batch == nil)
    for batch in ["1", "65", "x"] {
      try Tool.bench.refuses([RandomPlan.small(), "--batch", batch], "from 2 to 64 after --batch")
    }
  }

  @Test func jsonSaysWhatWasMeasured() throws {
    let measurement = try measure(["--threads", "1"])
    #expect(measurement.threads == 1)
    // The digest that coreutils computes.
    let sum = try Tool(url: URL(fileURLWithPath: "/usr/bin/sha256sum"))(RandomPlan.small())
    #expect(measurement.planSha256 == sum.text.prefix(64))
    #expect(measurement.outputCrc32C.count == 8)
    #expect(measurement.runs >= 20)
    #expect(measurement.blocks.map(\.name) == Self.blocks)
    #expect(measurement.steps == nil)
    #expect(abs(measurement.blocks.map(\.sharePercent).reduce(0, +) - 100) <= 0.1)
    for row in measurement.blocks {
      #expect(row.minMs > 0)
      #expect(row.minMs <= row.medianMs && row.medianMs <= row.p90Ms && row.p90Ms <= row.p99Ms)
      #expect(row.macs > 0)
      #expect(row.kernel.contains("_q8_"))
    }
    #expect(measurement.blocks.last?.macs == 512 * 1000)
    #expect(measurement.latencyMs.min <= measurement.latencyMs.median)
  }

  /// Where the kernel does not tell, the Raspberry Pi's own tool does.
  @Test(
    .disabled(
      if: FileManager.default.fileExists(atPath: "/sys/bus/platform/drivers/raspberrypi-firmware"),
      "the kernel tells the firmware's flags"),
    arguments: [
      ("echo throttled=0x0", "none"),
      ("echo throttled=0x50005", "under-voltage, throttled while measuring"),
      ("echo throttled=0x20000", "clock capped since power-on"),
      ("echo throttled=yes", nil), ("exit 1", nil),
    ])
  func throttlingAsTheFirmwareTellsIt(command: String, expected: String?) throws {
    let scratch = try Scratch()
    let tool = try scratch.write(
      Data("#!/bin/sh\n[ \"$1\" = get_throttled ] && \(command)\n".utf8), to: "vcgencmd")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: tool)
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let result = try Tool.bench(
      RandomPlan.small(), "--seconds", "0.01",
      environment: ["PATH": "\(scratch.url.path):\(path)"])
    let line = try #require(result.lines.first { $0.hasPrefix("throttling ") })
    let found = line.dropFirst("throttling ".count).trimmingCharacters(in: .whitespaces)
    if let expected {
      #expect(found == expected)
    } else {
      #expect(!found.contains("while measuring"))
    }
  }

  @Test func stepsAddUpToTheBlocks() throws {
    let measurement = try measure(["--per-step"])
    let steps = try #require(measurement.steps)
    #expect(steps.count == 23)
    #expect(steps.first?.name == "input")
    #expect(steps.last?.name == "fc")
    #expect(steps.map(\.macs).reduce(0, +) == measurement.blocks.map(\.macs).reduce(0, +))
  }

  @Test func sameOutputForAllThreadsAndInstructionSets() throws {
    let reference = try measure(["--isa", "ref", "--threads", "2", "--seconds", "0.01"])
    #expect(reference.isa == "ref")
    #expect(Set(reference.blocks.map(\.kernel)) == ["conv_q8_ref", "linear_q8_ref"])
    for threads in 1...3 {
      #expect(try measure(["--threads", "\(threads)"]).outputCrc32C == reference.outputCrc32C)
    }
  }

  @Test func csv() throws {
    let scratch = try Scratch()
    _ = try bench(["--csv", scratch.path("new.csv"), "--per-step"])
    let lines = String(decoding: try scratch.data("new.csv"), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 24)
    #expect(lines[0].hasPrefix("name,min_ms,median_ms,"))
    for line in lines { #expect(line.split(separator: ",").count == 11, "\(line)") }
  }

  @Test func svgIsWellFormedWhateverThePlanIsCalled() throws {
    let scratch = try Scratch()
    let plan = scratch.path("<a> & \"b\" é.plan")
    try FileManager.default.copyItem(atPath: RandomPlan.small(), toPath: plan)
    try Tool.bench(
      plan, "--seconds", "0.01", "--svg", scratch.path("a.svg"), "--json", scratch.path("a.json"))
    let data = try scratch.data("a.svg")
    let parser = XMLParser(data: data)
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    let text = String(decoding: data, as: UTF8.self)
    #expect(text.contains("&lt;a&gt; &amp; &quot;b&quot; é.plan"))
    for name in Self.blocks { #expect(text.contains(">\(name)<"), "\(name)") }
    let json = try JSONSerialization.jsonObject(with: scratch.data("a.json"))
    #expect((json as? [String: Any])?["plan"] as? String == plan)
  }

  @Test func baselineIsComparedRowByRow() throws {
    let scratch = try Scratch()
    let old = scratch.path("old.json")
    _ = try bench(["--json", old, "--threads", "1", "--per-step"])
    // A thousand times the medians are out of reach of any noise.
    let text = try String(contentsOfFile: old, encoding: .utf8)
    let slower = text.replacing(/"(median_ms|median)": ([0-9.]+)/) {
      "\"\($0.output.1)\": \(Double($0.output.2)! * 1000)"
    }
    try scratch.write(Data(slower.utf8), to: "old.json")
    for (option, count) in [("--per-block", 11), ("--per-step", 24)] {
      let result = try bench(["--baseline", old, "--threads", "1", option])
      #expect(result.lines.count { $0.hasSuffix("faster") } == count)
      #expect(!result.text.contains("the baseline has another"))
    }
    let new = scratch.path("new.json")
    let other = try bench(["--baseline", old, "--threads", "2", "--json", new])
    #expect(other.text.contains("the baseline has another threads\n"))
  }

  @Test func damagedBaselinesAreRefused() throws {
    let scratch = try Scratch()
    func check(
      _ text: String, _ reason: String, at location: SourceLocation = #_sourceLocation
    ) throws {
      let file = try scratch.write(Data(text.utf8), to: "old.json")
      try fails(["--baseline", file], reason, at: location)
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
    try fails(["--baseline", "/nonexistent.json"], "No such file or directory")
  }

  @Test func unwritableFilesAreNoticedBeforeTheMeasurement() throws {
    let scratch = try Scratch()
    for option in ["--json", "--csv", "--svg"] {
      try fails(
        ["--csv", scratch.path("a.csv"), option, scratch.path("no/such")],
        "no/such: cannot write the file: No such file")
      #expect(try scratch.names() == [])
      try fails([option, "/dev/full"], "expected a regular file")
    }
    try Tool.bench.fails(
      [RandomPlan.small(), "--seconds", "0.01", "--svg", scratch.path("a.svg")],
      "cannot write to standard output",
      output: #require(FileHandle(forWritingAtPath: "/dev/full")))
    #expect(try scratch.names() == [])
  }

  @Test func help() throws {
    let help = try Tool.bench("--help").text
    #expect(help.hasPrefix("usage: resnet-bench MODEL.plan"))
    #expect(help.hasSuffix("--baseline before.json\n"), "the help is cut off")
  }
}
