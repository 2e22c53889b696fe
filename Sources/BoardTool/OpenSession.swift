// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
public import ResNetRuntime

/// Maps a plan and makes a session of it.
///
/// - Parameters:
///   - model: the plan's path, a word of the command line.
///   - threads: 1…64.
///   - cpus: where the threads run, the calling one included; nil leaves it to the system.
///   - asked: the highest level to use; if nil, that of the environment or the best of this CPU.
public func openSession(
  _ model: UnsafePointer<CChar>, threads: Int, cpus: CPUList?,
  instructionSet asked: InstructionSet?
) throws(RunError) -> Session {
  let plan = try openPlan(model)
  let instructionSet = if let asked { asked } else { try environmentInstructionSet() }
  do throws(SessionError) {
    // The pool's threads start with the caller's mask, which must still hold their CPUs.
    let session = try Session(plan, threads: threads, cpus: cpus, instructionSet: instructionSet)
    try cpus?.bindCallingThread()
    return session
  } catch {
    throw .session(model, error)
  }
}

private func openPlan(_ path: UnsafePointer<CChar>) throws(RunError) -> Plan {
  do throws(PlanError) {
    return try Plan(path: path)
  } catch {
    throw .plan(path, error)
  }
}

private func environmentInstructionSet() throws(RunError) -> InstructionSet {
  do throws(SessionError) {
    return try InstructionSet.fromEnvironment()
  } catch {
    throw .environment(error)
  }
}
