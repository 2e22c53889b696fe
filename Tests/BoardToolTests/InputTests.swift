// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// Photos that come from pipes, and what is no file.
extension BoardTools.InputTests {
  private struct Line: Decodable {
    struct Label: Decodable {
      var index: Int
      var probability: Double
    }
    var top: [Label]
  }

  private var photo: String { Repository.example("church") }

  /// What a shell makes of a command with `$R`, the tool, `$P`, a plan, and `$J`, a photo.
  private func shell(_ command: String, in folder: Scratch? = nil) throws -> ToolResult {
    let bash = Tool(url: URL(fileURLWithPath: "/bin/bash"))
    let folder = try folder ?? Scratch()
    return try bash.end(
      ["-c", "cd \(folder.url.path); \(command)"],
      environment: ["R": Tool.run.url.path, "P": RandomPlan.small(), "J": photo])
  }

  @Test(arguments: [
    "cat $J | $R $P - --json", "cat $J | $R $P /dev/stdin --json", "$R $P <(cat $J) --json",
    "$R $P - --json < $J", "(sleep 1; cat $J) | $R $P - --json",
    "mkfifo f; cat $J > f & sleep 0.5; $R $P f --json", "ln -s $J l; $R $P l --json",
  ])
  func photosFromPipes(command: String) throws {
    let expected = try Tool.run(RandomPlan.small(), photo, "--json").decoded(Line.self)[0]
    let result = try shell(command)
    let found = try #require(result.decoded(Line.self).first, "\(result.errors)")
    #expect(found.top.map(\.probability) == expected.top.map(\.probability))
    #expect(result.status == 0 && result.errors == "")
  }

  @Test(arguments: [
    ("mkfifo f; timeout 30 $R $P f", "expected a program that writes to this pipe within 10 s"),
    (
      "mkfifo f; timeout 30 env --block-signal=ALRM $R $P --raw 8x8:rgb24 f",
      "expected a program that writes to this"
    ),
    ("timeout 30 $R $P --raw 8x8:rgb24 /dev/zero", "expected a regular file"),
    ("mkfifo f; timeout 30 $R $P $J --tuning f", "f: expected a regular file"),
    ("mkfifo f; timeout 30 $R f $J", "f: expected a regular file"),
    ("timeout 30 $R $P /dev/zero", "expected a regular file"),
    ("timeout 30 $R $P - < /dev/zero", "expected at most 268435456 bytes, found more"),
    ("$R $P - < /dev/null", "the file is empty"),
    ("mkdir -p v/a; mkfifo v/a/z.jpg; $R $P --evaluate v", "v: expected folders named"),
  ])
  func whatBringsNoPhotoIsSaid(command: String, reason: String) throws {
    let result = try shell(command)
    #expect(result.status == 1 && !result.isCrash)
    #expect(result.errors.contains(reason), "\(result.errors)")
  }

  @Test func aPipeInAFolderIsAnImageThatCannotBeRead() throws {
    let scratch = try Scratch()
    let plan = try ShippedModel.int8()
    for (name, photo) in [("church", "church"), ("n01440764", "tench")] {
      try scratch.copy(Repository.example(photo), to: "\(name)/photo.jfif")
    }
    try scratch.makeFolder("@eaDir")
    try scratch.write(Data("Mac OS X".utf8), to: "church/._photo.jpg")
    try scratch.write(Data(), to: "church/a.webp")
    let folder = scratch.url.path
    let whole = try Tool.run(plan, "--evaluate", folder)
    #expect(whole.text.contains("top-1     1.0000"))
    #expect(whole.text.contains("images    2\n"))
    #expect(whole.errors.contains("left out 1 images that are not JPEG or PNG, such as *.webp"))
    mkfifo(scratch.path("church/z.jpg"), 0o600)
    let result = try Tool.run.end([plan, "--evaluate", folder])
    #expect(result.status == 1)
    #expect(result.errors.contains("church/z.jpg: expected a regular file"))
    #expect(result.text.contains("images    2, and 1 that cannot be read"))
  }

  /// A file that takes the place of a closed descriptor would get the text meant for that.
  @Test(arguments: [
    ("$R $P $J --logits l >&-", "cannot write to standard output: Bad file descriptor"),
    ("$R $P $J --logits l <&- >&-", "cannot write to standard output: Bad file descriptor"),
    ("$R $P - --logits l <&-", "-: Bad file descriptor"),
    ("$R $P --raw 8x8:rgb24 - <&-", "-: cannot read frames: Bad file descriptor"),
    ("$R --help >&-", "cannot write to standard output: Bad file descriptor"),
    ("$R --version > /dev/full", "cannot write to standard output: No space left on device"),
    ("$R $P $J nope.jpg --logits l 2>&-", ""),
    ("ulimit -f 2; $R $P $J --logits l", "l: cannot write the file: File too large"),
  ])
  func closedDescriptorsAndFullOutputsAreErrors(command: String, reason: String) throws {
    let scratch = try Scratch()
    let result = try shell(command, in: scratch)
    #expect(result.status == 1 && !result.isCrash)
    #expect(result.errors.contains(reason) || (reason == "" && result.errors == ""))
    #expect(try scratch.names() == [])
  }

  @Test func withoutInputAndErrorsAllIsDone() throws {
    let scratch = try Scratch()
    let result = try shell("$R $P $J --logits l <&- 2>&-", in: scratch)
    #expect(result.status == 0)
    #expect(result.text.hasPrefix("\(photo)\n"))
    #expect(try scratch.data("l").count == 4000)
  }

  /// The mask of the process that starts it does not matter: the kernel's word does.
  @Test func cpusBeyondTheInheritedMask() throws {
    let count = ProcessInfo.processInfo.activeProcessorCount
    let result = try shell("taskset -c 0 $R $P $J --cpus 0-\(count - 1)")
    #expect(result.status == 0, "\(result.errors)")
  }

  /// As with a C library that hands constructors nothing.
  @Test func anEmptyEnvironment() throws {
    #expect(try shell("env -i $R --version").text.hasPrefix("resnet-run "))
  }
}
