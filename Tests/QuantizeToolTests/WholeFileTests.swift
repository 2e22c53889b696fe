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

  /// Starts the tool and waits until it has a file of the folder open.
  private func startWriting(_ name: String, in scratch: Scratch) throws -> Process {
    let process = Tool.quantize.process(fast + [scratch.path(name)])
    try process.start()
    let descriptors = "/proc/\(process.processIdentifier)/fd"
    while process.isRunning {
      let names = (try? Folder.names(descriptors)) ?? []
      let isWriting = names.contains { name in
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(descriptors)/\(name)"))?
          .hasPrefix(scratch.url.resolvingSymlinksInPath().path + "/") == true
      }
      if isWriting { break }
      usleep(500)
    }
    return process
  }

  @Test(arguments: [SIGKILL, SIGINT, SIGTERM, SIGHUP])
  func whatEndsTheToolLeavesNothing(number: Int32) throws {
    let scratch = try Scratch()
    for delay in 0..<5 {
      let process = try startWriting("p.plan", in: scratch)
      usleep(UInt32(delay) * 4000)
      kill(process.processIdentifier, number)
      process.waitUntilExit()
      #expect(process.terminationReason == .uncaughtSignal || process.terminationStatus == 0)
      guard try scratch.names() != [] else { continue }
      #expect(try scratch.names() == ["p.plan"])
      try Tool.quantize("inspect", scratch.path("p.plan"))
    }
  }

  @Test func linksAreFollowed() throws {
    let scratch = try Scratch()
    try scratch.makeFolder("elsewhere")
    for name in ["old", "new"] {
      try FileManager.default.createSymbolicLink(
        atPath: scratch.path(name), withDestinationPath: "elsewhere/\(name).plan")
    }
    try scratch.write(Data("an earlier plan".utf8), to: "elsewhere/old.plan")
    for name in ["old", "new"] {
      try Tool.quantize(fast + [scratch.path(name)])
      try Tool.quantize("inspect", scratch.path("elsewhere/\(name).plan"))
    }
    #expect(try scratch.names() == ["elsewhere", "new", "old"])
    #expect(try Folder.names(scratch.path("elsewhere")) == ["new.plan", "old.plan"])
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: scratch.path("old"))
        == "elsewhere/old.plan")
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
}
