// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import Testing

/// How a tool ended and what it wrote.
package struct ToolResult {
  package var status: Int32
  package var isCrash: Bool
  package var output: Data
  package var errors: String

  package var text: String { String(decoding: output, as: UTF8.self) }
  package var lines: [Substring] { text.split(separator: "\n") }

  package init(status: Int32, isCrash: Bool, output: Data, errors: String) {
    self.status = status
    self.isCrash = isCrash
    self.output = output
    self.errors = errors
  }
}

/// A built tool of this package.
package struct Tool: Sendable {
  package let url: URL

  package init(url: URL) { self.url = url }

  /// `resnet-run`, or the build of it that the environment variable RESNET_RUN names.
  package static let run = Tool("resnet-run", orOf: "RESNET_RUN")

  /// `resnet-bench`, or the build of it that the environment variable RESNET_BENCH names.
  package static let bench = Tool("resnet-bench", orOf: "RESNET_BENCH")

  /// `resnet-teach`, or the build of it that the environment variable RESNET_TEACH names.
  package static let teach = Tool("resnet-teach", orOf: "RESNET_TEACH")

  /// `resnet-quantize`.
  package static let quantize = Tool("resnet-quantize", orOf: nil)

  private init(_ name: String, orOf variable: String?) {
    let path = variable.flatMap { ProcessInfo.processInfo.environment[$0] }
    url = path.map { URL(fileURLWithPath: $0) } ?? Tool.products.appendingPathComponent(name)
  }

  /// Where SwiftPM puts tools: beside the program that runs the tests.
  package static var products: URL {
    Bundle.main.executableURL!.deletingLastPathComponent()
  }

  /// Runs the tool, which must succeed.
  @discardableResult
  package func callAsFunction(
    _ arguments: String..., environment: [String: String] = [:]
  ) throws -> ToolResult {
    try self(arguments, environment: environment)
  }

  /// Runs the tool, which must succeed.
  @discardableResult
  package func callAsFunction(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> ToolResult {
    let result = try end(arguments, environment: environment)
    guard result.status == 0, !result.isCrash else {
      throw ToolFailure(errors: "\(arguments): status \(result.status), \(result.errors)")
    }
    return result
  }

  /// Runs the tool to whatever end, standard output going to `output` if it is given.
  package func end(
    _ arguments: [String], environment: [String: String] = [:], output: FileHandle? = nil
  ) throws -> ToolResult {
    // Files, because a pipe that nobody empties stops a tool that writes much.
    let folder = try Scratch()
    for name in ["stdout", "stderr"] { try folder.write(Data(), to: name) }
    let process = process(arguments, environment: environment)
    process.standardOutput =
      try output ?? FileHandle(forWritingTo: URL(fileURLWithPath: folder.path("stdout")))
    process.standardError = try FileHandle(
      forWritingTo: URL(fileURLWithPath: folder.path("stderr")))
    try process.start()
    process.waitUntilExit()
    return ToolResult(
      status: process.terminationStatus,
      isCrash: process.terminationReason == .uncaughtSignal,
      output: try folder.data("stdout"),
      errors: String(decoding: try folder.data("stderr"), as: UTF8.self))
  }

  /// The tool before its start, with no input and without the level that RN_ISA may name.
  package func process(
    _ arguments: [String], environment: [String: String] = [:]
  ) -> Process {
    let process = Process()
    process.executableURL = url
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment
      .filter { $0.key != "RN_ISA" }
      .merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    return process
  }

  /// Checks that the tool fails: one line that contains `reason`, and exit status 1.
  @discardableResult
  package func fails(
    _ arguments: [String], _ reason: String, environment: [String: String] = [:],
    output: FileHandle? = nil, at location: SourceLocation = #_sourceLocation
  ) throws -> ToolResult {
    let result = try end(arguments, environment: environment, output: output)
    result.isFailure(reason, of: url.lastPathComponent, at: location)
    return result
  }

  /// Checks that the tool refuses its words: one line with the reason and where
  /// help is, and exit status 2.
  package func refuses(
    _ arguments: [String], _ reason: String, at location: SourceLocation = #_sourceLocation
  ) throws {
    let result = try end(arguments)
    let told: Comment = "\(arguments): \(result.errors)"
    #expect(result.status == 2 && !result.isCrash, told, sourceLocation: location)
    #expect(result.text == "", told, sourceLocation: location)
    let name = url.lastPathComponent
    #expect(result.errors.filter { $0 == "\n" }.count == 1, told, sourceLocation: location)
    #expect(result.errors.hasPrefix("\(name): "), told, sourceLocation: location)
    #expect(result.errors.contains(reason), told, sourceLocation: location)
    #expect(result.errors.hasSuffix("; try \(name) --help\n"), told, sourceLocation: location)
  }
}

/// A tool that runs, with pipes for what it reads and writes.
package struct PipedTool {
  private let process: Process
  private let input = Pipe()
  private let output = Pipe()
  private let errors = Pipe()

  /// Starts the tool.
  package init(_ tool: Tool, _ arguments: [String]) throws {
    process = tool.process(arguments)
    process.standardInput = input
    process.standardOutput = output
    process.standardError = errors
    signal(SIGPIPE, SIG_IGN)
    try process.start()
  }

  /// Writes to standard input, if the tool still reads it.
  package func write(_ data: Data) { try? input.fileHandleForWriting.write(contentsOf: data) }

  /// Waits for output and returns what is there; it is no part of the result.
  package func nextOutput() -> Data { output.fileHandleForReading.availableData }

  /// Ends standard input and waits for the tool to end.
  package func end() throws -> ToolResult {
    try input.fileHandleForWriting.close()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    let text = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return ToolResult(
      status: process.terminationStatus, isCrash: process.terminationReason == .uncaughtSignal,
      output: data, errors: String(decoding: text, as: UTF8.self))
  }
}

extension Process {
  /// Runs the tool as a shell does: threads of a test block signals, and a tool would inherit that.
  package func start() throws {
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try run()
  }
}

extension ToolResult {
  /// Checks that a tool failed as it should: one line that contains `reason`, and exit status 1.
  package func isFailure(
    _ reason: String, of tool: String, at location: SourceLocation = #_sourceLocation
  ) {
    let told = Comment(rawValue: errors)
    #expect(!isCrash && status == 1, told, sourceLocation: location)
    #expect(errors.filter { $0 == "\n" }.count == 1, told, sourceLocation: location)
    #expect(errors.hasPrefix("\(tool): "), told, sourceLocation: location)
    #expect(errors.contains(reason), told, sourceLocation: location)
  }

  /// Values of JSON with names in snake case, one from each line.
  package func decoded<Line: Decodable>(_: Line.Type) throws -> [Line] {
    try lines.map { try JSON.decode(Line.self, from: Data($0.utf8)) }
  }
}

/// JSON as the tools write it.
package enum JSON {
  package static func decode<Value: Decodable>(_: Value.Type, from data: Data) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Value.self, from: data)
  }
}

/// What a tool said that should have succeeded.
package struct ToolFailure: Error {
  package var errors: String

  package init(errors: String) { self.errors = errors }
}

extension Trait where Self == ConditionTrait {
  /// Minutes of work, watched memory, signals at chosen moments: only with RESNET_SLOW_TESTS=1.
  package static var slow: Self {
    .enabled(
      if: ProcessInfo.processInfo.environment["RESNET_SLOW_TESTS"] == "1",
      "needs RESNET_SLOW_TESTS=1")
  }

  /// The golden answers and photos beside the repository, which are too large to ship.
  package static var sharedData: Self {
    .enabled(
      if: FileManager.default.fileExists(atPath: SharedData.root.path),
      "needs ../shared, which is not part of the repository")
  }
}
