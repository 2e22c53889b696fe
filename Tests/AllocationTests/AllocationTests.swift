// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// Inference neither allocates nor makes system calls: shown in a process of its own, because
/// malloc can be replaced only by the program itself.
@Suite struct AllocationTests {
  private let probe = Tool(url: Tool.products.appendingPathComponent("AllocationProbe"))

  @Test func runsAllocateNothingAndTheCounterCounts() throws {
    let lines = try probe().lines
    // Threads, images in a run, allocations.
    let cases = ["1 1 0", "2 1 0", "2 5 0"]
    let expected = ["int8", "fp32", "fp16"].flatMap { name in cases.map { "\(name) \($0)" } }
    #expect(lines.dropLast().map(String.init) == expected)
    let control = try #require(lines.last).split(separator: " ")
    #expect(control.count == 3 && control[0] == "control", "\(lines)")
    #expect(try #require(control.last.flatMap { Int($0) }) > 0, "\(lines)")
  }

  @Test func runsMakeNoSystemCallButFutex() throws {
    try probe("seccomp")
    let control = try probe.end(["seccomp-control"])
    #expect(control.isCrash && control.status == SIGSYS)
  }
}
