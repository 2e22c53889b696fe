// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Inference neither allocates nor makes system calls: shown in a process of its own, because
/// malloc can be replaced only by the program itself.
@Suite struct AllocationTests {
  /// What the probe wrote and how it ended.
  private func probe(_ arguments: String...) throws -> (
    output: String, status: Int32, reason: Process.TerminationReason
  ) {
    let process = Process()
    process.executableURL = try #require(Bundle.main.executableURL).deletingLastPathComponent()
      .appendingPathComponent("AllocationProbe")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.filter { $0.key != "RN_ISA" }
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (
      String(decoding: output, as: UTF8.self), process.terminationStatus,
      process.terminationReason
    )
  }

  @Test func runsAllocateNothingAndTheCounterCounts() throws {
    let (output, status, reason) = try probe()
    #expect(status == 0 && reason == .exit)
    let lines = output.split(separator: "\n")
    #expect(
      lines.dropLast() == ["int8", "fp32", "fp16"].flatMap { ["\($0) 1 0", "\($0) 2 0"] },
      "\(output)")
    let control = try #require(lines.last).split(separator: " ")
    #expect(control.count == 3 && control[0] == "control", "\(output)")
    #expect(try #require(control.last.flatMap { Int($0) }) > 0, "\(output)")
  }

  @Test func runsMakeNoSystemCallButFutex() throws {
    let filtered = try probe("seccomp")
    #expect(filtered.reason == .exit && filtered.status == 0)
    let control = try probe("seccomp-control")
    #expect(control.reason == .uncaughtSignal && control.status == SIGSYS)
  }
}
