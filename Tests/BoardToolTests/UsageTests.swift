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

  private static let ofRun: [([String], String)] =
    [
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
      (["m.plan", "a.jpg", "--memory", "0"], "from 1 to 1048576 after --memory, found 0"),
      (["m.plan", "a.jpg", "--tuning", "t", "--no-tuning"], "--tuning or --no-tuning, found both"),
      (["m.plan", "a.jpg", "--cpus", "9999"], "--cpus 9999: CPU 9999 does not exist"),
      (["m.plan", "a.jpg", "--cpus", "0-"], "--cpus 0-: expected at most 64 different CPUs"),
      (["m.plan", "a.jpg", "--cpus", "0", "--threads", "1"], "--cpus or --threads, found both"),
      (
        ["m.plan", "a.jpg", "--features", "f", "--logits", "f"],
        "expected different files for --logits and --features, found f and f"
      ),
      (
        ["m.plan", "a.jpg", "--logits", "f", "--probabilities", "./f"],
        "expected different files for --probabilities and --logits, found ./f and f"
      ),
      (["m.plan", "--evaluate", "dir", "--tuning", "./m.plan"], "for the plan and --tuning"),
      (["m.plan", "--raw", "mjpeg", "a", "--tuning", "a"], "for the frames and --tuning"),
      (["m.plan", "a.jpg", "--evaluate", "dir"], "--evaluate cannot be combined with images"),
      (["m.plan", "--evaluate", "dir", "--top", "3"], "cannot be combined with --top"),
      (["m.plan", "--evaluate", "dir", "--logits", "f"], "cannot be combined with --features"),
    ]
    + [
      (["--raw", "96x64", "-"], "expected a width, height and format"),
      (["--raw", "96x64:h264", "-"], "found 96x64:h264"),
      (["--raw", "x64:rgb24", "-"], "found x64:rgb24"),
      (["--raw", "99999999x64:rgb24", "-"], "found 99999999x64:rgb24"),
      (["--raw", "96x64:rgb24"], "expected one file with frames after the plan"),
      (["--raw", "96x64:rgb24", "a", "b"], "expected one file with frames"),
      (["--raw", "96x64:rgb24", "-", "--matrix", "bt2020"], "expected bt601 or bt709"),
      (["--raw", "96x64:rgb24", "-", "--range", "wide"], "expected full or limited"),
      (["--raw", "96x64:rgb24", "-", "--every", "0"], "from 1 to 1000000 after --every"),
      (["--raw", "96x64:rgb24", "-", "--logits", "f"], "expected --raw or --features"),
      (["--raw", "96x64:rgb24", "-", "--stride", "300,"], "after --stride, found 300,"),
      (["--raw", "96x64:rgb24", "-", "--stride", "300,0"], "after --stride, found 300,0"),
      (["--raw", "96x64:rgb24", "-", "--stride", "0"], "after --stride, found 0"),
      (["--raw", "mjpeg", "-", "--range", "full"], "--raw mjpeg cannot be combined with --range"),
      (["--raw", "y4m", "-", "--stride", "300"], "--stride makes sense only with --raw WxH"),
      (["a.jpg", "--latest"], "--latest makes sense only with --raw"),
    ].map { (["m.plan"] + $0, $1) }

  private static let ofBench: [([String], String)] =
    [
      ([], "expected a plan, found none"),
      (["m.plan", "n.plan"], "expected one plan and options, found also n.plan"),
      (["m.plan", "--frobnicate"], "unknown option --frobnicate"),
      (["m.plan", "--json"], "expected a value after --json"),
      (["m.plan", "--threads", "0"], "from 1 to 64 after --threads, found 0"),
      (["m.plan", "--isa", "z80"], "--isa z80: unknown instruction set"),
      (["m.plan", "--tuning"], "expected a value after --tuning"),
      (["m.plan", "--per-block", "--per-step"], "expected --per-block or --per-step, found both"),
      (["m.plan", "--json", "a", "--svg", "a"], "for --svg and --json, found a and a"),
      (["m.plan", "--json", "a", "--baseline", "a"], "for --baseline and --json, found a and a"),
    ]
    + ["0", "-1", "1e3", "1.2.3", "nan", "0x10", "86401", "2s"].map {
      (["m.plan", "--seconds", $0], "0.01 to 86400 seconds after --seconds, found \($0)")
    }

  @Test(arguments: ofRun.map { (Tool.run, $0, $1) } + ofBench.map { (Tool.bench, $0, $1) })
  func wrongUsageGivesTheReasonTheHelpAndStatus2(
    tool: Tool, arguments: [String], reason: String
  ) throws {
    try tool.refuses(arguments, reason)
  }

  @Test func wordsAfterTwoDashesAreFiles() throws {
    try Tool.run.fails(["--", "--top", "--json"], "--top: No such file or directory")
  }
}
