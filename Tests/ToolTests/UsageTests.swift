// SPDX-License-Identifier: Apache-2.0

import XCTest

final class UsageTests: XCTestCase {
  func testHelpAndVersionGoToStandardOutput() throws {
    for option in ["--help", "-h"] {
      let help = try Tool.run(option)
      XCTAssertEqual(help.status, 0)
      XCTAssertEqual(help.errors, "")
      XCTAssertTrue(help.text.hasPrefix("usage: resnet-run MODEL.plan IMAGE"))
      XCTAssertTrue(help.text.contains("examples:"))
    }
    let version = try Tool.run("--version")
    XCTAssertEqual(version.status, 0)
    XCTAssertTrue(version.text.hasPrefix("resnet-run "))
  }

  func testWrongUsageGivesTheReasonTheHelpAndStatus2() throws {
    let cases: [([String], String)] = [
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
      (["m.plan", "a.jpg", "--features", "f", "--logits", "f"], "name the same file f"),
      (["m.plan", "a.jpg", "--logits", "f", "--probabilities", "f"], "name the same file f"),
      (["m.plan", "a.jpg", "--evaluate", "dir"], "--evaluate cannot be combined with images"),
      (["m.plan", "--evaluate", "dir", "--top", "3"], "cannot be combined with --top"),
      (["m.plan", "--evaluate", "dir", "--logits", "f"], "cannot be combined with --features"),
    ]
    for (arguments, reason) in cases {
      let result = try Tool.run.run(arguments)
      XCTAssertEqual(result.status, 2, "\(arguments)")
      XCTAssertFalse(result.isCrash, "\(arguments)")
      XCTAssertEqual(result.text, "", "\(arguments)")
      let lines = result.errors.split(separator: "\n", omittingEmptySubsequences: false)
      XCTAssertTrue(lines[0].hasPrefix("resnet-run: "), result.errors)
      XCTAssertTrue(lines[0].contains(reason), result.errors)
      XCTAssertTrue(lines[2].hasPrefix("usage: "), result.errors)
    }
  }

  func testWordsAfterTwoDashesAreFiles() throws {
    assertFailure(try Tool.run("--", "--top", "--json"), "--top: No such file or directory")
  }
}
