// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import ResNetRuntime
import TestPlans

/// A plan in memory.
final class LoadedPlan {
  private let memory: GuardedMemory
  private let bytes: UnsafeRawBufferPointer

  init(_ file: [UInt8]) {
    memory = GuardedMemory(capacity: file.count)
    bytes = memory.suffix(holding: file)
  }

  func plan() throws(PlanError) -> Plan { try Plan(unownedBytes: bytes) }
}

/// The bits of the results of one run.
struct Results: Equatable {
  var logits: [UInt32]
  var features: [UInt32]

  init(_ session: borrowing Session) {
    logits = session.logits.map(\.bitPattern)
    features = session.features.map(\.bitPattern)
  }
}

/// The results of one image in a new session.
func infer(
  _ plan: LoadedPlan, _ image: [UInt8], threads: Int = 1, on set: InstructionSet = .best,
  arena: UnsafeMutableRawBufferPointer? = nil
) throws -> Results {
  var session = try Session(plan.plan(), threads: threads, instructionSet: set, arena: arena)
  session.run(image.span)
  return Results(session)
}
