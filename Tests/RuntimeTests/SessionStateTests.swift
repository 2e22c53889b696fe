// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import ResNetRuntime
import TestPlans
import Testing

/// What was in memory before does not matter.
@Suite struct SessionStateTests {
  @Test(arguments: TestNetwork.all, [WeightFormat.int8, .float32, .float16])
  func nothingIsLeftOfTheImageBefore(network: TestNetwork, format: WeightFormat) throws {
    let plan = LoadedPlan(try network.plan(inputSize: 48, weights: format))
    let a = testImage(48, seed: 1)
    let b = [UInt8](repeating: 255, count: a.count)
    for threads in [1, 2] {
      var session = try Session(plan.plan(), threads: threads, instructionSet: .best)
      session.run(a.span)
      let first = Results(session)
      session.run(b.span)
      #expect(Results(session) != first)
      session.run(a.span)
      #expect(Results(session) == first)
    }
  }

  @Test(arguments: TestNetwork.all, [WeightFormat.int8, .float32, .float16])
  func aDirtyArenaGivesTheSameBits(network: TestNetwork, format: WeightFormat) throws {
    let plan = LoadedPlan(try network.plan(inputSize: 48, weights: format))
    let image = testImage(48, seed: 1)
    let expected = try infer(plan, image)
    for threads in [1, 2] {
      let count = try plan.plan().sessionByteCount(threads: threads)
      let memory = GuardedMemory(capacity: count)
      let arena = memory.suffix(count)
      for byte in [0xFF, 0x7F] as [UInt8] {
        _ = arena.initializeMemory(as: UInt8.self, repeating: byte)
        #expect(try infer(plan, image, threads: threads, arena: arena) == expected)
      }
    }
  }
}
