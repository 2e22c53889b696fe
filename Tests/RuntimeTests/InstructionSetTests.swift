// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetRuntime
import TestPlans
import Testing

@Suite struct InstructionSetTests {
  @Test func namesGoBothWays() throws {
    #expect(InstructionSet.reference.name == "ref")
    for set in InstructionSet.available {
      #expect(try InstructionSet(named: set.name) == set)
    }
    #expect(InstructionSet.available.first == .reference)
    #expect(InstructionSet.available.last == .best)
  }

  @Test(arguments: ["", "REF", "ref ", "avx9000", "nonsense"])
  func otherNamesAreRefused(name: String) {
    #expect(throws: SessionError.unknownInstructionSet) { try InstructionSet(named: name) }
  }

  // The environment belongs to the whole process, so each case has a process of its own.

  @Test func theEnvironmentCapsTheLevel() async {
    await #expect(processExitsWith: .success) {
      setenv("RN_ISA", "ref", 1)
      let plan = LoadedPlan(try TestNetwork.basic.plan(inputSize: 32))
      let session = try Session(plan.plan())
      #expect(session.instructionSet == .reference)
    }
  }

  @Test func anUnknownLevelInTheEnvironmentIsRefused() async {
    await #expect(processExitsWith: .success) {
      setenv("RN_ISA", "nonsense", 1)
      let plan = LoadedPlan(try TestNetwork.basic.plan(inputSize: 32))
      #expect(throws: SessionError.unknownInstructionSet) {
        let plan = try plan.plan()
        _ = try Session(plan)
      }
    }
  }

  @Test func withoutTheVariableTheBestLevelIsUsed() async {
    await #expect(processExitsWith: .success) {
      unsetenv("RN_ISA")
      let set = try InstructionSet.fromEnvironment()
      #expect(set == .best)
    }
  }
}
