// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetPlanFormat
import ResNetRuntime
import TestPlans
import Testing

/// What the file becomes; each ends up at every instruction-set level.
private func fill(_ path: String, _ kind: Int) throws {
  let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
  let count = Int(try file.seekToEnd())
  try file.seek(toOffset: 0)
  let words: [Data] = [
    Data(count: count), Data(repeating: 0xFF, count: count),
    Data(repeating: 0x7F, count: count), Data(randomBytes(count, seed: UInt64(kind))),
  ]
  try file.write(contentsOf: words[min(kind, 3)])
  try file.close()
}

/// Everything that reads the plan of a session after it was made.
private func use(_ session: inout Session, _ image: [UInt8]) {
  session.run(image.span)
  var probabilities = [Float](repeating: 0, count: session.plan.classCount)
  var span = probabilities.mutableSpan
  session.probabilities(into: &span)
  var lines = 0
  session.writeTuning { _ in lines += 1 }
  _ = session.plan.sessionByteCount(threads: 2) + session.plan.tunedSessionByteCount(threads: 2)
  #expect(session.plan.classNames == (0..<10).map { "class \($0)" })
  #expect(session.plan.provenance == "from: a test")
  let view = session.plan.view
  for index in 0..<view.stepCount {
    #expect(view.step(index).output < view.tensorCount)
    lines += strlen(view.name(view.step(index).name))
  }
  #expect(lines > 0)
}

/// A plan that somebody changes in place after it was validated: results may be wrong, addresses may not.
@Suite struct ChangedPlanTests {
  @Test(arguments: [WeightFormat.int8, .float32, .float16])
  func nothingButResultsChanges(format: WeightFormat) async throws {
    let code = Int(format.rawValue)
    await #expect(processExitsWith: .success) { [code = code as Int] in
      let format = WeightFormat(rawValue: UInt8(code))!
      let bytes = try TestNetwork.basic.plan(inputSize: 32, weights: format) {
        $0.classNames = (0..<10).map { "class \($0)" }
        $0.provenance = "from: a test"
        $0.winogradByteLimit = 1 << 30
      }
      let image = testImage(32, seed: 1)
      let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        .path
      defer { try? FileManager.default.removeItem(atPath: path) }
      for set in InstructionSet.available {
        for kind in 0..<6 {
          try Data(bytes).write(to: URL(fileURLWithPath: path))
          var session = try Session(
            Plan(path: path), instructionSet: set, tuning: kind % 2 == 0 ? .none : .measured)
          use(&session, image)
          try fill(path, kind)
          use(&session, image)
          // A new one is refused, by a checksum or before.
          #expect((try? Plan(path: path)) == nil)
        }
      }
    }
  }

  @Test func aLoadedPlanDoesNotChange() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(TestNetwork.basic.plan(inputSize: 32)).write(to: URL(fileURLWithPath: path))
    let image = testImage(32, seed: 1)
    var session = try Session(Plan(path: path, isLoaded: true), tuning: .measured)
    session.run(image.span)
    let before = Results(session)
    try fill(path, 3)
    session.run(image.span)
    #expect(Results(session) == before)
    try FileManager.default.removeItem(atPath: path)
    session.run(image.span)
    #expect(Results(session) == before)
  }

  /// Sessions of one plan on threads of their own; the last one outlives the plan and its file.
  @Test func ownersShareAPlan() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try Data(TestNetwork.basic.plan(inputSize: 32)).write(to: URL(fileURLWithPath: path))
    let image = testImage(32, seed: 1)
    var plan = Optional(try Plan(path: path))
    try FileManager.default.removeItem(atPath: path)
    let places = 0..<8
    let sessions = UnsafeMutablePointer<Session>.allocate(capacity: places.count)
    for place in places { (sessions + place).initialize(to: try Session(plan!.shared())) }
    plan = nil
    nonisolated(unsafe) let running = sessions
    nonisolated(unsafe) let found = UnsafeMutablePointer<Results>.allocate(capacity: places.count)
    DispatchQueue.concurrentPerform(iterations: places.count) { place in
      for _ in 0..<20 { running[place].run(image.span) }
      (found + place).initialize(to: Results(running[place]))
      (running + place).deinitialize(count: 1)
    }
    for place in places { #expect(found[place] == found[0]) }
    found.deinitialize(count: places.count)
    found.deallocate()
    sessions.deallocate()
  }
}
