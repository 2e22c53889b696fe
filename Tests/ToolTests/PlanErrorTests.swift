// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

final class PlanErrorTests: XCTestCase {
  private let photo = Repository.example("tench")

  func testMissingPlan() throws {
    assertFailure(
      try Tool.run("/nonexistent.plan", photo), "/nonexistent.plan: No such file or directory")
  }

  func testFolderAndForeignAndEmptyFilesAsPlan() throws {
    let scratch = try Scratch()
    assertFailure(try Tool.run(scratch.url.path, photo), "expected a regular file")
    assertFailure(try Tool.run(photo, photo), "not a plan file")
    try Data().write(to: scratch.url.appendingPathComponent("empty"))
    assertFailure(try Tool.run(scratch.path("empty"), photo), "the file is empty")
  }

  func testCutPlan() throws {
    let scratch = try Scratch()
    let plan = try Data(contentsOf: URL(fileURLWithPath: RandomPlan.path()))
    try plan.prefix(plan.count / 2).write(to: scratch.url.appendingPathComponent("half"))
    assertFailure(try Tool.run(scratch.path("half"), photo), "bytes, found")
  }

  func testUnknownInstructionSetInTheEnvironment() throws {
    let result = try Tool.run(RandomPlan.path(), photo, environment: ["RN_ISA": "z80"])
    assertFailure(result, "RN_ISA: unknown instruction set")
  }
}
