// SPDX-License-Identifier: Apache-2.0

import Testing
import ToolSupport

extension BoardTools.UsageTests {
  @Test(arguments: ["--help", "-h"]) func helpGoesToStandardOutput(option: String) throws {
    let help = try Tool.run(option)
    #expect(help.errors == "")
    #expect(help.text.hasPrefix("usage: resnet-run MODEL.plan IMAGE"))
    #expect(help.text.contains("examples:"))
  }

  @Test func versionGoesToStandardOutput() throws {
    #expect(try Tool.run("--version").text.hasPrefix("resnet-run "))
  }

  @Test(arguments: [
    ([], "expected a plan and images, found neither"),
    (["m.plan"], "expected at least one image after the plan"),
    (["m.plan", "a.jpg", "--frobnicate"], "unknown option --frobnicate"),
    (["m.plan", "a.jpg", "--top"], "expected a value after --top"),
    (["m.plan", "a.jpg", "--top", "0"], "from 1 to 65536 after --top, found 0"),
    (["m.plan", "a.jpg", "--top", "-1"], "from 1 to 65536 after --top, found -1"),
    (["m.plan", "a.jpg", "--top", "99999999999999999999"], "found 99999999999999999999"),
    (["m.plan", "a.jpg", "--threads", "65"], "from 1 to 64 after --threads, found 65"),
    (["m.plan", "a.jpg", "--threads", "two"], "after --threads, found two"),
    (["m.plan", "a.jpg", "--isa", "z80"], "--isa z80: unknown instruction set"),
    (["m.plan", "a.jpg", "--cpus", "9999"], "--cpus 9999: CPU 9999 does not exist"),
    (["m.plan", "a.jpg", "--cpus", "0-"], "--cpus 0-: expected at most 64 different CPUs"),
    (["m.plan", "a.jpg", "--cpus", "0", "--threads", "1"], "--cpus or --threads, found both"),
    (["m.plan", "a.jpg", "--features", "f", "--logits", "f"], "name the same file f"),
    (["m.plan", "a.jpg", "--logits", "f", "--probabilities", "f"], "name the same file f"),
    (["m.plan", "a.jpg", "--evaluate", "dir"], "--evaluate cannot be combined with images"),
    (["m.plan", "--evaluate", "dir", "--top", "3"], "cannot be combined with --top"),
    (["m.plan", "--evaluate", "dir", "--logits", "f"], "cannot be combined with --features"),
  ])
  func wrongUsageGivesTheReasonTheHelpAndStatus2(arguments: [String], reason: String) throws {
    try Tool.run.refuses(arguments, reason)
  }

  @Test func wordsAfterTwoDashesAreFiles() throws {
    try Tool.run.fails(["--", "--top", "--json"], "--top: No such file or directory")
  }
}
