// SPDX-License-Identifier: Apache-2.0

import ModelGraph
import ResNetRuntime
import TestPlans
import Testing

/// One answer on every instruction set and number of threads.
@Suite struct SameBitsTests {
  /// Every level that this CPU has.
  private let levels = ["ref", "sse41", "avx2", "avxvnni", "neon", "neondot", "neonfp16"]
    .compactMap { (name: String) in try? InstructionSet(named: name) }

  @Test(arguments: TestNetwork.all, [false, true])
  func threadsAndInstructionSetsDoNotMatter(network: TestNetwork, float32: Bool) throws {
    for size in [32, 97, 160] where try network.suits(size) {
      let plan = LoadedPlan(try network.plan(inputSize: size, float32: float32))
      let image = testImage(size, seed: 9)
      let expected = try infer(plan, image)
      #expect(Set(expected.logits).count > 1, "a network that says something")
      for set in levels {
        #expect(
          try infer(plan, image, on: set) == expected, "\(size), \(String(cString: set.name))")
      }
      for threads in 2...8 {
        #expect(try infer(plan, image, threads: threads) == expected, "\(size), \(threads)")
      }
      #expect(try infer(plan, image, threads: 3, on: .reference) == expected, "\(size)")
    }
  }

  /// Some blocks in float32: each alone, all but each, and every second one.
  @Test(arguments: TestNetwork.all)
  func mixedPlansAgreeToo(network: TestNetwork) throws {
    for size in [32, 97] where try network.suits(size) {
      let blocks = try network.blocks(inputSize: size)
      var choices = blocks.map { Set([$0]) } + blocks.map { Set(blocks).subtracting([$0]) }
      choices.append(Set(blocks.indices.filter { $0 % 2 == 0 }.map { blocks[$0] }))
      let image = testImage(size, seed: 9)
      let int8 = try infer(LoadedPlan(network.plan(inputSize: size)), image)
      for choice in choices {
        let plan = LoadedPlan(try network.plan(inputSize: size, float32Blocks: choice))
        let expected = try infer(plan, image)
        #expect(expected != int8, "\(size), \(choice)")
        for set in levels {
          #expect(
            try infer(plan, image, on: set) == expected,
            "\(size), \(choice), \(String(cString: set.name))")
        }
        for threads in [2, 3, 8] {
          #expect(try infer(plan, image, threads: threads) == expected, "\(size), \(threads)")
        }
      }
    }
  }

  @Test(arguments: TestNetwork.all)
  func allBlocksInFloat32AreTheFloat32Plan(network: TestNetwork) throws {
    let size = try network.suits(97) ? 97 : 96
    let image = testImage(size, seed: 4)
    let blocks = Set(try network.blocks(inputSize: size))
    #expect(
      try infer(LoadedPlan(network.plan(inputSize: size, float32Blocks: blocks)), image)
        == infer(LoadedPlan(network.plan(inputSize: size, float32: true)), image))
  }

  @Test func everyThreadCountWorksWithTheReference() throws {
    let plan = LoadedPlan(try TestNetwork.bottleneck.plan(inputSize: 33))
    let image = testImage(33, seed: 2)
    let expected = try infer(plan, image, on: .reference)
    for threads in 2...8 {
      #expect(try infer(plan, image, threads: threads, on: .reference) == expected)
    }
  }

  @Test func moreThreadsThanWorkAreHarmless() throws {
    let plan = LoadedPlan(try TestNetwork.odd.plan(inputSize: 32))
    let image = testImage(32, seed: 5)
    let expected = try infer(plan, image)
    #expect(try infer(plan, image, threads: 64) == expected)
  }

  @Test func everyOddWidthAgrees() throws {
    // Widths of every remainder by the kernels' tiles, after the stem's division by 4.
    for size in stride(from: 35, through: 171, by: 4) {
      let plan = LoadedPlan(try TestNetwork.basic.plan(inputSize: size))
      let image = testImage(size, seed: UInt64(size))
      let expected = try infer(plan, image)
      for set in levels {
        #expect(
          try infer(plan, image, on: set) == expected, "\(size), \(String(cString: set.name))")
      }
    }
  }

  @Test func deadBranchesTakeNoSteps() throws {
    let dead = try TestNetwork.dead.graph()
    let fused = FusedGraph(dead, inputSize: 32)
    // Input, stem, the one shortcut convolution of the second stage, pool and classifier.
    #expect(fused.operations.count == 5)
    #expect(try LoadedPlan(TestNetwork.dead.plan(inputSize: 32)).plan().view.stepCount == 5)
  }
}
