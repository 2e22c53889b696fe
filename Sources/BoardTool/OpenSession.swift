// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
public import ResNetRuntime

/// Maps a plan and makes the session that the options ask for.
///
/// - Parameter model: the plan's path, a word of the command line.
public func openSession(
  _ model: UnsafePointer<CChar>, _ options: SharedOptions
) throws(ToolFailure) -> Session {
  let plan = try openPlan(model)
  let instructionSet =
    if let asked = options.instructionSet { asked } else { try environmentInstructionSet() }
  do throws(SessionError) {
    // The pool's threads start with the caller's mask, which must still hold their CPUs.
    let session = try Session(
      plan, threads: options.threads, cpus: options.cpus, instructionSet: instructionSet)
    try options.cpus?.bindCallingThread()
    return session
  } catch {
    throw .session(model, error)
  }
}

private func openPlan(_ path: UnsafePointer<CChar>) throws(ToolFailure) -> Plan {
  do throws(PlanError) {
    return try Plan(path: path)
  } catch {
    throw .plan(path, error)
  }
}

private func environmentInstructionSet() throws(ToolFailure) -> InstructionSet {
  do throws(SessionError) {
    return try InstructionSet.fromEnvironment()
  } catch {
    throw .environment(error)
  }
}
