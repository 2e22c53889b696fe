// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// Whatever stops `resnet-quantize`, a plan is there whole or not at all.
extension QuantizeTools.WholeFileTests {
  private var fast: [String] { ["--random", "resnet18", "--precision", "fp32", "-q", "-o"] }

  @Test func aFullDiskIsAnErrorAndLeavesWhatWasThere() throws {
    let scratch = try Scratch()
    let earlier = Data("an earlier plan".utf8)
    let output = try scratch.write(earlier, to: "random.plan")
    // A limit on the size of files fails a write as a full disk does.
    let shell = Tool(url: URL(fileURLWithPath: "/bin/sh"))
    let script = "ulimit -f 2000; exec \"$0\" \"$@\""
    try shell.end(["-c", script, Tool.quantize.url.path] + fast + [output]).isFailure(
      "random.plan: cannot write the file: File too large", of: "resnet-quantize")
    #expect(try scratch.data("random.plan") == earlier)
    #expect(try scratch.names() == ["random.plan"])
  }

  @Test func aDeviceIsNotReplaced() throws {
    try Tool.quantize.fails(fast + ["/dev/full"], "/dev/full: cannot write the file")
    var status = stat()
    #expect(stat("/dev/full", &status) == 0)
    #expect(status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test func whatCannotBePrintedIsAnError() throws {
    let shell = Tool(url: URL(fileURLWithPath: "/bin/sh"))
    let plan = try RandomPlan.small()
    for (words, end, reason) in [
      ("inspect \(plan)", ">&-", "Bad file descriptor"), ("--help", ">&-", "Bad file descriptor"),
      ("inspect \(plan)", "> /dev/full", "No space left on device"),
    ] {
      try shell.end(["-c", "\(Tool.quantize.url.path) \(words) \(end)"]).isFailure(
        "cannot write to standard output: \(reason)", of: "resnet-quantize")
    }
  }

  @Test(.slow) func signalsLeaveNothingHalfWritten() throws {
    var wasStopped = false
    for (index, delay) in stride(from: 0.02, to: 0.6, by: 0.03).enumerated() {
      let scratch = try Scratch()
      let process = Tool.quantize.process(fast + [scratch.path("random.plan")])
      try process.start()
      Thread.sleep(forTimeInterval: delay)
      if index % 2 == 0 { process.interrupt() } else { process.terminate() }
      process.waitUntilExit()
      if try scratch.names().isEmpty {
        wasStopped = true
        #expect(process.terminationReason == .uncaughtSignal)
      } else {
        #expect(try scratch.names() == ["random.plan"])
        try Tool.quantize("inspect", scratch.path("random.plan"))
      }
    }
    #expect(wasStopped, "no signal came in time")
  }
}
