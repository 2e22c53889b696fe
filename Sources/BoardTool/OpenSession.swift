// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlanFormat
import ResNetPlatform
public import ResNetRuntime

/// Maps a plan and makes the session that the options ask for.
///
/// - Parameters:
///   - model: the plan's path, a word of the command line.
///   - runsOften: whether tuning pays, if no option says anything about it.
///   - batch: the most images of a run, 1…64.
public func openSession(
  _ model: UnsafePointer<CChar>, _ options: SharedOptions, runsOften: Bool, batch: Int = 1
) throws(ToolFailure) -> Session {
  guard let path = options.tuningFile else {
    let isTuned = runsOften && !options.isUntuned
    return try openSession(model, options, isTuned ? .measured : .none, batch)
  }
  var status = stat()
  guard stat(path, &status) != 0, rn_errno() == ENOENT else {
    let recorded = try mapTuning(path)
    return try openSession(model, options, .recorded(recorded.bytes), batch)
  }
  var file = try OutputFile(path)
  let session = try openSession(model, options, .measured, batch)
  var text = TextOutput(to: file)
  try session.writeTuning { (line) throws(ToolFailure) in
    text.append(line)
    try text.endLine()
  }
  try file.close()
  try file.publish()
  return session
}

private func openSession(
  _ model: UnsafePointer<CChar>, _ options: SharedOptions, _ tuning: Tuning, _ batch: Int
) throws(ToolFailure) -> Session {
  let plan = try openPlan(model, isLoaded: options.isLoaded)
  let instructionSet =
    if let asked = options.instructionSet { asked } else { try environmentInstructionSet() }
  do throws(SessionError) {
    // The pool's threads start with the caller's mask, which must still hold their CPUs.
    let session = try Session(
      plan, threads: options.threads, batch: batch, cpus: options.cpus,
      instructionSet: instructionSet, memoryLimit: options.memoryLimit, tuning: tuning)
    try options.cpus?.bindCallingThread()
    return session
  } catch {
    if case .tuning(let flaw) = error, let path = options.tuningFile { throw .tuning(path, flaw) }
    throw .session(model, error)
  }
}

private func mapTuning(_ path: UnsafePointer<CChar>) throws(ToolFailure) -> MappedFile {
  do throws(FileError) {
    return try MappedFile(path: path)
  } catch {
    throw .tuningFile(path, error)
  }
}

private func openPlan(
  _ path: UnsafePointer<CChar>, isLoaded: Bool
) throws(ToolFailure) -> Plan {
  do throws(PlanError) {
    return try Plan(path: path, isLoaded: isLoaded)
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
