// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// Files that the tools write.
extension BoardTools.OutputTests {
  private var photo: String { Repository.example("church") }

  @Test func namesMayBeAsLongAsTheSystemAllows() throws {
    let scratch = try Scratch()
    for letters in [249, 252, 255] {
      let name = String(repeating: "n", count: letters)
      for _ in 0..<2 {
        try Tool.run(RandomPlan.small(), photo, "--logits", scratch.path(name))
        #expect(try scratch.data(name).count == 4000)
      }
    }
    #expect(try scratch.names().count == 3)
    try Tool.run.fails(
      [RandomPlan.small(), photo, "--logits", scratch.path(String(repeating: "n", count: 256))],
      "cannot write the file: File name too long")
  }

  /// Without /proc, a file without a name could not get one.
  @Test(.enabled(if: canHideProc, "needs unshare and user namespaces"))
  func whereFilesNeedNamesSignalsRemoveThem() throws {
    let hidden = "exec unshare -rm sh -c 'mount -t tmpfs none /proc; exec $R $P - --logits $L'"
    for number in [SIGHUP, SIGINT, SIGTERM, 0] {
      let scratch = try Scratch()
      let process = Tool(url: URL(fileURLWithPath: "/bin/sh")).process(
        ["-c", hidden],
        environment: [
          "R": Tool.run.url.path, "P": try RandomPlan.small(), "L": scratch.path("l"),
        ])
      let input = Pipe()
      process.standardInput = input
      try process.start()
      while process.isRunning, try scratch.names().isEmpty { usleep(1000) }
      let name = try #require(scratch.names().first)
      #expect(name.hasPrefix(".resnet-") && name.count == 16)
      if number == 0 {
        try input.fileHandleForWriting.write(contentsOf: Data(path: photo))
        try input.fileHandleForWriting.close()
      } else {
        kill(process.processIdentifier, number)
      }
      process.waitUntilExit()
      #expect(process.terminationReason == (number == 0 ? .exit : .uncaughtSignal))
      #expect(try scratch.names() == (number == 0 ? ["l"] : []))
    }
  }

  private static let canHideProc: Bool = {
    let shell = Tool(url: URL(fileURLWithPath: "/bin/sh"))
    return (try? shell.end(["-c", "unshare -rm mount -t tmpfs none /proc"]))?.status == 0
  }()

  @Test func linksAreFollowed() throws {
    let scratch = try Scratch()
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path("l"), withDestinationPath: "new")
    for _ in 0..<2 {
      try Tool.run(RandomPlan.small(), photo, "--logits", scratch.path("l"))
      #expect(
        try FileManager.default.destinationOfSymbolicLink(atPath: scratch.path("l")) == "new")
      #expect(try scratch.data("new").count == 4000)
    }
  }
}
