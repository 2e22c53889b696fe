// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

/// How a tool ended and what it wrote.
struct ToolResult {
  var status: Int32
  var isCrash: Bool
  var output: Data
  var errors: String

  var text: String { String(decoding: output, as: UTF8.self) }
}

/// A built tool of this package.
struct Tool {
  let url: URL

  /// `resnet-run`, or the build of it that the environment variable RESNET_RUN names.
  static let run = Tool(
    url: ProcessInfo.processInfo.environment["RESNET_RUN"].map { URL(fileURLWithPath: $0) }
      ?? products.appendingPathComponent("resnet-run"))

  /// `resnet-bench`, or the build of it that the environment variable RESNET_BENCH names.
  static let bench = Tool(
    url: ProcessInfo.processInfo.environment["RESNET_BENCH"].map { URL(fileURLWithPath: $0) }
      ?? products.appendingPathComponent("resnet-bench"))

  /// `resnet-quantize`.
  static let quantize = Tool(url: products.appendingPathComponent("resnet-quantize"))

  /// Where SwiftPM puts tools: beside the program that runs the tests.
  static var products: URL {
    Bundle.main.executableURL!.deletingLastPathComponent()
  }

  /// Runs the tool to its end.
  func callAsFunction(
    _ arguments: String..., environment: [String: String] = [:], output: FileHandle? = nil
  ) throws -> ToolResult {
    try run(arguments, environment: environment, output: output)
  }

  /// Runs the tool to its end, standard output going to `output` if it is given.
  func run(
    _ arguments: [String], environment: [String: String] = [:], output: FileHandle? = nil
  ) throws -> ToolResult {
    // Files, because a pipe that nobody empties stops a tool that writes much.
    let folder = try Scratch()
    let outputURL = folder.url.appendingPathComponent("stdout")
    let errorURL = folder.url.appendingPathComponent("stderr")
    for file in [outputURL, errorURL] { try Data().write(to: file) }
    let process = Process()
    process.executableURL = url
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment
      .filter { $0.key != "RN_ISA" }
      .merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try output ?? FileHandle(forWritingTo: outputURL)
    process.standardError = try FileHandle(forWritingTo: errorURL)
    try process.run()
    process.waitUntilExit()
    return ToolResult(
      status: process.terminationStatus,
      isCrash: process.terminationReason == .uncaughtSignal,
      output: try Data(contentsOf: outputURL),
      errors: try String(contentsOf: errorURL, encoding: .utf8))
  }
}

/// A folder of its own for a test, removed with the last reference.
final class Scratch {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnet-run-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// The path of an entry.
  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// The names of the entries, sorted.
  func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
  }
}

/// Files of the repository.
enum Repository {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The path of an example photo.
  static func example(_ name: String) -> String {
    root.appendingPathComponent("Models/examples/\(name).jpg").path
  }
}

/// A plan with random weights and 1000 classes without names, made once by the built `resnet-quantize`.
enum RandomPlan {
  // Beside the tools: the test process has no last moment in which to remove it.
  private static let made = Result {
    let path = Tool.products.appendingPathComponent("random-resnet18.plan").path
    let result = try Tool.quantize("--random", "resnet18", "-o", path)
    guard result.status == 0 else { throw ToolFailure(errors: result.errors) }
    return path
  }

  static func path() throws -> String { try made.get() }
}

struct ToolFailure: Error {
  var errors: String
}

/// Checks that a tool failed as it should: one line that contains `reason`, and exit status 1.
func assertFailure(
  _ result: ToolResult, _ reason: String, tool: String = "resnet-run",
  file: StaticString = #filePath, line: UInt = #line
) {
  XCTAssertFalse(result.isCrash, "killed by signal \(result.status)", file: file, line: line)
  XCTAssertEqual(result.status, 1, result.errors, file: file, line: line)
  XCTAssertEqual(
    result.errors.filter { $0 == "\n" }.count, 1, result.errors, file: file, line: line)
  XCTAssertTrue(result.errors.hasPrefix("\(tool): "), result.errors, file: file, line: line)
  XCTAssertTrue(result.errors.contains(reason), result.errors, file: file, line: line)
}
