// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

extension BoardTools.PlanErrorTests {
  @Test func plansThatCannotBeRead() throws {
    let scratch = try Scratch()
    let plan = try Data(path: RandomPlan.full())
    let photo = Repository.example("tench")
    for (path, reason) in [
      ("/nonexistent.plan", "/nonexistent.plan: No such file or directory"),
      (scratch.url.path, "expected a regular file"), (photo, "not a plan file"),
      (try scratch.write(Data(), to: "empty"), "the file is empty"),
      (try scratch.write(plan.prefix(plan.count / 2), to: "half"), "bytes, found"),
    ] {
      try Tool.run.fails([path, photo], reason)
      try Tool.bench.fails([path], reason)
    }
  }

  @Test func unknownInstructionSetInTheEnvironment() throws {
    for (tool, words) in [(Tool.run, [Repository.example("tench")]), (.bench, [])] {
      try tool.fails(
        [RandomPlan.full()] + words, "RN_ISA: unknown instruction set",
        environment: ["RN_ISA": "z80"])
    }
  }
}
