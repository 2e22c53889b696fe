// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

/// Whatever stops `resnet-quantize`, a plan is there whole or not at all.
final class WholeFileTests: XCTestCase {
  private let fast = ["--random", "resnet18", "--precision", "fp32", "-q", "-o"]

  func testAFullDiskIsAnErrorAndLeavesWhatWasThere() throws {
    let scratch = try Scratch()
    let output = scratch.path("random.plan")
    let earlier = Data("an earlier plan".utf8)
    try earlier.write(to: URL(fileURLWithPath: output))
    // A limit on the size of files, ignored as a signal, fails a write as a full disk does.
    let shell = Tool(url: URL(fileURLWithPath: "/bin/sh"))
    let script = "trap '' XFSZ; ulimit -f 2000; exec \"$0\" \"$@\""
    let result = try shell.run(["-c", script, Tool.quantize.url.path] + fast + [output])
    assertFailure(
      result, "random.plan: cannot write the file: File too large", tool: "resnet-quantize")
    XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: output)), earlier)
    XCTAssertEqual(try scratch.names(), ["random.plan"])
  }

  func testADeviceIsNotReplaced() throws {
    assertFailure(
      try Tool.quantize.run(fast + ["/dev/full"]), "/dev/full: cannot write the file",
      tool: "resnet-quantize")
    var status = stat()
    XCTAssertEqual(stat("/dev/full", &status), 0)
    XCTAssertEqual(status.st_mode & S_IFMT, S_IFCHR)
  }

  func testSignalsLeaveNothingHalfWritten() throws {
    var wasStopped = false
    for (index, delay) in stride(from: 0.02, to: 0.6, by: 0.03).enumerated() {
      let scratch = try Scratch()
      let process = Process()
      process.executableURL = Tool.quantize.url
      process.arguments = fast + [scratch.path("random.plan")]
      process.standardError = FileHandle.nullDevice
      try process.run()
      Thread.sleep(forTimeInterval: delay)
      if index % 2 == 0 { process.interrupt() } else { process.terminate() }
      process.waitUntilExit()
      let names = try scratch.names()
      if names.isEmpty {
        wasStopped = true
        XCTAssertEqual(process.terminationReason, .uncaughtSignal)
      } else {
        XCTAssertEqual(names, ["random.plan"])
        let result = try Tool.quantize("inspect", scratch.path("random.plan"))
        XCTAssertEqual(result.status, 0, result.errors)
      }
    }
    XCTAssertTrue(wasStopped, "no signal came in time")
  }

  func testHelpAndCompletions() throws {
    let help = try Tool.quantize("--help")
    XCTAssertEqual(help.status, 0)
    XCTAssertTrue(help.text.contains("EXAMPLES"), help.text)
    for shell in ["bash", "zsh", "fish"] {
      let script = try Tool.quantize("--generate-completion-script", shell)
      XCTAssertEqual(script.status, 0, script.errors)
      for option in ["calibration", "allow-unreadable", "moving-average"] {
        XCTAssertTrue(script.text.contains(option), "\(shell): no \(option)")
      }
    }
  }
}
