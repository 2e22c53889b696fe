// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

extension BoardTools.PlanErrorTests {
  private func fails(_ plan: String, _ reason: String, isa: String? = nil) throws {
    try Tool.run.fails(
      [plan, Repository.example("tench")], reason,
      environment: isa.map { ["RN_ISA": $0] } ?? [:])
  }

  @Test func missingPlan() throws {
    try fails("/nonexistent.plan", "/nonexistent.plan: No such file or directory")
  }

  @Test func folderAndForeignAndEmptyFilesAsPlan() throws {
    let scratch = try Scratch()
    try fails(scratch.url.path, "expected a regular file")
    try fails(Repository.example("tench"), "not a plan file")
    try fails(scratch.write(Data(), to: "empty"), "the file is empty")
  }

  @Test func cutPlan() throws {
    let scratch = try Scratch()
    let plan = try Data(path: RandomPlan.full())
    try fails(scratch.write(plan.prefix(plan.count / 2), to: "half"), "bytes, found")
  }

  @Test func unknownInstructionSetInTheEnvironment() throws {
    try fails(RandomPlan.full(), "RN_ISA: unknown instruction set", isa: "z80")
  }
}
