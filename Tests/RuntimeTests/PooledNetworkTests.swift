// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetRuntime
import TestPlans
import Testing

/// Pools of any window and upper clamps, in every format.
@Suite struct PooledNetworkTests {
  @Test(arguments: [64, 75, 150])
  func everyFormatAgreesWithAPlainForwardPass(size: Int) throws {
    let network = pooledNetwork()
    let image = testImage(size, seed: 1)
    let expected = PlainNetwork(network).logits(image)
    for (format, limit) in [(WeightFormat.float32, 1e-4), (.float16, 1e-2), (.int8, 0.1)] {
      let plan = LoadedPlan(try testPlan(of: network, inputSize: .init(size), weights: format))
      let found = try infer(plan, image).floatLogits
      #expect(relativeDifference(found, expected) < limit, "\(format)")
    }
    // The limit decides something.
    let free = PlainNetwork(pooledNetwork(upper: .infinity)).logits(image)
    #expect(relativeDifference(free, expected) > 0.2)
  }

  @Test(arguments: [64, 75])
  func threadsAndInstructionSetsDoNotMatter(size: Int) throws {
    let image = testImage(size, seed: 2)
    let mixed: [[String: WeightFormat]] = [
      [:], ["layer 3": .float16, "layer 10": .float32],
      ["layer 6": .float32, "layer 14": .float16],
    ]
    for (format, layers) in [(WeightFormat.float32, mixed[0]), (.float16, mixed[0])]
      + mixed.map({ (.int8, $0) })
    {
      let file = try testPlan(
        of: pooledNetwork(), inputSize: .init(size), weights: format, layers: layers
      ) {
        $0.winogradByteLimit = 1 << 30
      }
      let result = try expectOneAnswer(file, image, threads: [1, 3, 8], "\(format), \(layers)")
      #expect(Set(result.logits).count > 1)
    }
  }

  @Test func theStemHasItsPoolAndOthersAreSteps() throws {
    let program = try Program(pooledNetwork(), inputSize: 64)
    let sizes = program.operations.map { program.tensors[$0.output].height }
    #expect(sizes == [64, 16, 16, 8, 8, 8, 8, 8, 4, 4, 2, 2, 1, 1, 1])
    guard case .stem = program.operations[1].kind, program.operations[1].upper == 6 else {
      Issue.record("\(program.operations[1])")
      return
    }
    var pools = 0
    for operation in program.operations {
      switch operation.kind {
      case .maxPool, .averagePool: pools += 1
      case .input, .stem, .convolution, .blurPool, .globalAverage, .linear, .sigmoid, .scale: break
      }
    }
    #expect(pools == 5)
  }

  /// An average over the whole image is the fast one, whatever its window was called.
  @Test func aWindowOfTheWholeImageIsTheMean() throws {
    var network = pooledNetwork()
    let place = try #require(network.layers.firstIndex { $0.kind == .globalAveragePool })
    network.layers[place].kind = .averagePool(
      Network.Pool(kernel: Network.Extent(1), stride: Network.Extent(1)))
    #expect(
      try testPlan(of: network, inputSize: 64) == testPlan(of: pooledNetwork(), inputSize: 64))
  }

  @Test func windowsBeyondTheKernelsAreRefused() throws {
    func refuses(_ kind: Network.Kind) throws -> Bool {
      var network = pooledNetwork()
      let place = try #require(
        network.layers.firstIndex { if case .averagePool = $0.kind { true } else { false } })
      network.layers[place].kind = kind
      let name = network.layers[place].name
      var refused = ""
      do {
        _ = try Program(network, inputSize: 64)
      } catch {
        if case .unfit(let layer, _, _) = error { refused = layer }
      }
      return refused == name
    }
    func window(
      _ kernel: Int, _ stride: Int, _ padding: Int, counts: Bool = false, up: Bool = false
    )
      -> Network.Pool
    {
      Network.Pool(
        kernel: .init(kernel), stride: .init(stride), padding: .init(padding),
        countsPadding: counts, roundsUp: up)
    }
    #expect(try !refuses(.maxPool(window(3, 2, 1, up: true))))
    for pool in [window(17, 1, 8), window(3, 17, 1), window(3, 2, 3), window(11, 1, 0)] {
      #expect(try refuses(.maxPool(pool)), "\(pool)")
      #expect(try refuses(.averagePool(pool)), "\(pool)")
    }
    #expect(try refuses(.averagePool(window(3, 2, 0, counts: true, up: true))))
    #expect(try refuses(.clamp(lower: -1, upper: 6)))
  }
}
