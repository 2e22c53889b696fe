// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime
import TestPlans
import Testing

@Suite struct SessionErrorTests {
  private let plan: LoadedPlan

  init() throws { plan = LoadedPlan(try TestNetwork.basic.plan(inputSize: 32)) }

  private func error(
    threads: Int = 1, arena: UnsafeMutableRawBufferPointer? = nil
  ) throws -> SessionError? {
    let plan = try self.plan.plan()
    do {
      _ = try Session(plan, threads: threads, instructionSet: .best, arena: arena)
      return nil
    } catch {
      return error
    }
  }

  @Test func anArenaThatIsTooSmallIsRefused() throws {
    let needed = try plan.plan().sessionByteCount(threads: 1)
    let memory = GuardedMemory(capacity: needed + 64)
    #expect(try error(arena: memory.suffix(needed)) == nil)
    let short = UnsafeMutableRawBufferPointer(rebasing: memory.suffix(needed).dropLast())
    #expect(
      try error(arena: short)
        == .arena(expected: needed, found: needed - 1, isAligned: true))
    let forTwo = try plan.plan().sessionByteCount(threads: 2)
    #expect(forTwo > needed)
    #expect(
      try error(threads: 2, arena: memory.suffix(needed))
        == .arena(expected: forTwo, found: needed, isAligned: true))
    let empty = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    #expect(try error(arena: empty) == .arena(expected: needed, found: 0, isAligned: true))
  }

  @Test func anUnalignedArenaIsRefused() throws {
    let needed = try plan.plan().sessionByteCount(threads: 1)
    let memory = GuardedMemory(capacity: needed + 64)
    #expect(
      try error(arena: memory.suffix(needed + 16))
        == .arena(expected: needed, found: needed + 16, isAligned: false))
    let failure = SessionError.arena(expected: 128, found: 100, isAligned: false)
    #expect(
      failure.description
        == "expected an arena of 128 bytes aligned to 64, found 100 bytes, not aligned")
  }

  @Test func threadCountsOutOfRangeAreRefused() throws {
    for threads in [0, -1, 65, Int.max] {
      #expect(try error(threads: threads) == .threadCount(threads))
    }
  }

  @Test func aMissingPlanIsAFileError() {
    #expect {
      _ = try Plan(path: "/nonexistent/model.plan").imageSize
    } throws: {
      if case PlanError.file(.system(errno: ENOENT)) = $0 { true } else { false }
    }
  }

  @Test func anImageOfAnotherSizeIsAProgrammingError() async {
    await #expect(processExitsWith: .failure) {
      let plan = LoadedPlan(try TestNetwork.basic.plan(inputSize: 32))
      var session = try Session(plan.plan())
      session.run(testImage(33, seed: 1).span)
    }
  }
}
