// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// Files that the tools write, which are none of those they read.
extension BoardTools.OutputTests {
  private var photo: String { Repository.example("church") }

  /// A folder with a plan, a photo, a baseline and links to them.
  private func files() throws -> Scratch {
    let scratch = try Scratch()
    try scratch.copy(RandomPlan.small(), to: "m.plan")
    try scratch.copy(photo, to: "a.jpg")
    for name in ["b.json", "a.out"] { try scratch.write(Data("{}".utf8), to: name) }
    for name in ["m.plan", "a.jpg", "x"] {
      try FileManager.default.createSymbolicLink(
        atPath: scratch.path("link-\(name)"), withDestinationPath: name)
      guard name != "x" else { continue }
      try FileManager.default.linkItem(
        atPath: scratch.path(name), toPath: scratch.path("hard-\(name)"))
    }
    return scratch
  }

  @Test(arguments: [
    ("$R m.plan a.jpg --logits m.plan", "the plan and --logits, found m.plan and m.plan"),
    ("$R m.plan a.jpg --logits ./m.plan", "the plan and --logits, found m.plan and ./m.plan"),
    ("$R m.plan a.jpg --features link-m.plan", "the plan and --features"),
    ("$R m.plan a.jpg --probabilities hard-m.plan", "the plan and --probabilities"),
    ("$R m.plan a.jpg --features hard-a.jpg", "an image and --features, found a.jpg and hard-a"),
    ("$R m.plan link-a.jpg --features a.jpg", "an image and --features"),
    ("$R m.plan - --features a.jpg < hard-a.jpg", "an image and --features, found /dev/stdin"),
    ("$R m.plan a.jpg --features $PWD/x --logits x", "--logits and --features"),
    ("$R m.plan a.jpg --features x --logits link-x", "--logits and --features"),
    ("$R m.plan a.jpg --tuning x --logits x", "--tuning and --logits"),
    ("$R m.plan a.jpg --logits a.out >> a.out", "standard output and --logits"),
    ("$B m.plan --json ./b.json --baseline b.json", "--baseline and --json"),
    ("$B m.plan --csv hard-m.plan", "the plan and --csv"),
    ("$B m.plan --csv x --svg ./x", "--svg and --csv"),
  ])
  func whatIsReadIsNotReplaced(command: String, roles: String) throws {
    let scratch = try files()
    let before = try scratch.contents()
    let shell = Tool(url: URL(fileURLWithPath: "/bin/sh"))
    let result = try shell.end(
      ["-c", "cd \(scratch.url.path); \(command)"],
      environment: ["R": Tool.run.url.path, "B": Tool.bench.url.path])
    #expect(result.errors.contains("expected different files for \(roles)"), "\(result.errors)")
    #expect(result.status == 2 && result.text == "")
    #expect(try scratch.contents() == before)
  }

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
    let scratch = try files()
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path("l"), withDestinationPath: "new")
    for _ in 0..<2 {
      try Tool.run(RandomPlan.small(), photo, "--logits", scratch.path("l"))
      #expect(
        try FileManager.default.destinationOfSymbolicLink(atPath: scratch.path("l")) == "new")
      #expect(try scratch.data("new").count == 4000)
    }
    try Tool.run.refuses(
      [RandomPlan.small(), photo, "--logits", "/dev/stdout"], "for standard output and --logits")
  }
}
