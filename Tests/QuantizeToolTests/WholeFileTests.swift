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

  @Test func whatIsReadIsNotReplaced() throws {
    let scratch = try Scratch()
    let checkpoint = try scratch.write(Data("a checkpoint".utf8), to: "own.pth")
    try scratch.write(Data("{}".utf8), to: "config.json")
    try scratch.makeFolder("photos/sub")
    for name in ["photos/sub/a.jpg", "names"] { try scratch.write(Data(name.utf8), to: name) }
    try FileManager.default.linkItem(atPath: scratch.path("names"), toPath: scratch.path("hard"))
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path("link"), withDestinationPath: "photos/sub/a.jpg")
    let photos = scratch.path("photos")
    let before = try scratch.contents()
    for (arguments, roles) in [
      (["-o", checkpoint], "the checkpoint and -o"),
      (["-o", scratch.path("./photos/../own.pth")], "the checkpoint and -o"),
      (["-o", scratch.path("config.json")], "the model's files and -o"),
      (["-o", scratch.path("hard"), "--classes", scratch.path("names")], "--classes and -o"),
      (["-o", "\(photos)/sub/a.jpg"], "a photo of --calibration and -o"),
      (["-o", scratch.path("link")], "a photo of --calibration and -o"),
      (["-o", scratch.path("link"), "--evaluate", photos], "a photo of --calibration and -o"),
      (
        [
          "-o", scratch.path("p"), "--report", scratch.path("p.json"), "--report",
          scratch.path("photos/../p.json"),
        ], "--report and --report"
      ),
    ] {
      try Tool.quantize.refuses(
        [checkpoint, "--calibration", photos] + arguments,
        "expected different files for \(roles), found ")
      #expect(try scratch.contents() == before)
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
