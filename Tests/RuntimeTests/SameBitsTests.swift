// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetRuntime
import TestPlans
import Testing

/// One answer on every instruction set and number of threads.
@Suite struct SameBitsTests {
  @Test(arguments: TestNetwork.all, [WeightFormat.int8, .float32, .float16])
  func threadsAndInstructionSetsDoNotMatter(network: TestNetwork, format: WeightFormat) throws {
    for size: Network.Extent in [32, 97, .init(160, 64), .init(41, 131)] {
      let file = try network.plan(inputSize: size, weights: format) {
        // Every form that pays, where most do.
        $0.targets = [.neon]
        $0.winogradByteLimit = size == 97 ? nil : 1 << 30
      }
      let image = testImage(size, seed: 9)
      let result = try expectOneAnswer(file, image, threads: Array(1...8), on: [.best], "\(size)")
      #expect(Set(result.logits).count > 1, "a network that says something")
      try expectOneAnswer(file, image, "\(size)")
      try expectOneAnswer(file, image, threads: [3], on: [.reference], "\(size)")
    }
  }

  /// Layers in float32 or fp16, in turn.
  private func kept(_ layers: Set<String>) -> [String: WeightFormat] {
    let places = layers.sorted().enumerated().map {
      ($1, $0 % 2 == 0 ? WeightFormat.float16 : .float32)
    }
    return Dictionary(uniqueKeysWithValues: places)
  }

  /// Some layers in float32 or fp16: each alone, all but each, and every second one.
  @Test(arguments: TestNetwork.all)
  func mixedPlansAgreeToo(network: TestNetwork) throws {
    for size: Network.Extent in [32, 97] {
      let layers = try network.layers(inputSize: size)
      var choices = layers.map { Set([$0]) } + layers.map { Set(layers).subtracting([$0]) }
      choices.append(Set(layers.indices.filter { $0 % 2 == 0 }.map { layers[$0] }))
      let image = testImage(size, seed: 9)
      let int8 = try infer(LoadedPlan(network.plan(inputSize: size)), image)
      var equal = 0
      for choice in choices {
        let file = try network.plan(inputSize: size, layers: kept(choice))
        let result = try expectOneAnswer(file, image, "\(size), \(choice)")
        try expectOneAnswer(file, image, threads: [2, 3, 8], on: [.best], "\(size)")
        equal += result == int8 ? 1 : 0
      }
      // By chance the roundings of a single layer may come to the same.
      #expect(equal <= 1, "\(size)")
    }
  }

  @Test(arguments: TestNetwork.all)
  func allLayersOfAFormatAreThePlanOfThatFormat(network: TestNetwork) throws {
    let size: Network.Extent = 97
    let image = testImage(size, seed: 4)
    let layers = try network.layers(inputSize: size)
    for format in [WeightFormat.float32, .float16] {
      let all = Dictionary(uniqueKeysWithValues: layers.map { ($0, format) })
      #expect(
        try infer(LoadedPlan(network.plan(inputSize: size, layers: all)), image)
          == infer(LoadedPlan(network.plan(inputSize: size, weights: format)), image))
    }
  }

  /// The form and the place of transformed weights: places do not matter, forms do within rounding.
  @Test(arguments: TestNetwork.all, [(WeightFormat.float16, 0x1p-8), (.float32, 0x1p-18)])
  func transformedWeightsAreTheSameMadeOrStored(
    network: TestNetwork, format: (weights: WeightFormat, limit: Double)
  ) throws {
    let size: Network.Extent = 97
    let image = testImage(size, seed: 5)
    func results(_ transformed: WinogradWeights) throws -> Results {
      try infer(
        LoadedPlan(
          network.plan(inputSize: size, weights: format.weights) {
            $0.targets = [.neon]
            $0.winograd = transformed
            $0.winogradByteLimit = 1 << 30
          }), image)
    }
    let made = try results(.atLoad)
    #expect(try results(.inPlan) == made)
    #expect(relativeDifference(made.floatLogits, try results(.off).floatLogits) < format.limit)
  }

  /// A Winograd form between int8 tensors, in strips of rows of tiles, is within a rounding of direct sums.
  @Test(arguments: [WeightFormat.float16, .float32])
  func convertingLayersHaveWinogradForms(format: WeightFormat) throws {
    let size: Network.Extent = 512
    let image = testImage(size, seed: 6)
    for layer in ["layer1.0.conv2", "layer1.1.conv2"] {
      func values(_ transformed: WinogradWeights, threads: Int) throws -> [Float] {
        let plan = LoadedPlan(
          try TestNetwork.basic.plan(inputSize: size, layers: [layer: format]) {
            $0.winograd = transformed
            $0.winogradByteLimit = 1 << 30
            $0.keepsTensors = true
          })
        var session = try Session(plan.plan(), threads: threads)
        session.run(image.span)
        let view = session.plan.view
        let index = try #require(
          (0..<view.stepCount).first { String(cString: view.name(view.step($0).name)) == layer })
        let step = view.step(index)
        let output = view.tensor(step.output)
        #expect((step.arithmetic.algorithm == .direct) == (transformed == .off))
        #expect(output.format == .uint8)
        let strip = StripLayout(
          try #require(step.operation.convolution), step.arithmetic,
          input: view.tensor(step.input), output: output)
        #expect(strip.rows < output.height, "more than one strip")
        var values: [Float] = []
        session.forEachValue(of: step.output) { values.append($0 / output.scale) }
        return values
      }
      let direct = try values(.off, threads: 1)
      for threads in [1, 3] {
        let tiles = try values(.atLoad, threads: threads)
        let different = zip(direct, tiles).filter { $0 != $1 }
        #expect(different.allSatisfy { ($0 - $1).magnitude < 1.5 })
        #expect(different.count * 25 < direct.count, "\(layer), \(threads)")
      }
    }
  }

  @Test func everyThreadCountWorksWithTheReferenceAndMoreThanThereIsWork() throws {
    try expectOneAnswer(
      TestNetwork.bottleneck.plan(inputSize: 33), testImage(33, seed: 2), threads: Array(2...8),
      on: [.reference])
    try expectOneAnswer(
      TestNetwork.odd.plan(inputSize: 32), testImage(32, seed: 5), threads: [1, 64], on: [.best])
  }

  @Test func everyOddWidthAgrees() throws {
    // Widths and heights of every remainder by the kernels' tiles, after the stem's division by 4.
    for size in stride(from: 35, through: 171, by: 4) {
      let file = try TestNetwork.basic.plan(inputSize: .init(size, 206 - size))
      try expectOneAnswer(
        file, testImage(Network.Extent(size, 206 - size), seed: UInt64(size)), "\(size)")
    }
  }

  @Test func deadBranchesTakeNoSteps() throws {
    let fused = try TestNetwork.dead.program(inputSize: 32)
    // Input, stem, the one shortcut convolution of the second stage, pool and classifier.
    #expect(fused.operations.count == 5)
    #expect(try LoadedPlan(TestNetwork.dead.plan(inputSize: 32)).plan().view.stepCount == 5)
  }
}
