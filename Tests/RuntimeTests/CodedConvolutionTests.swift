// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import ResNetRuntime
import TestPlans
import Testing

/// Plans with convolutions that code their inputs.
@Suite struct CodedConvolutionTests {
  @Test(arguments: TestNetwork.all)
  func threadsAndInstructionSetsDoNotMatter(network: TestNetwork) throws {
    for size in [32, 97, 160] {
      let file = try network.plan(inputSize: .init(size), isCoded: true)
      let image = testImage(size, seed: 9)
      let result = try expectOneAnswer(file, image, threads: Array(1...8), on: [.best], "\(size)")
      try expectOneAnswer(file, image, "\(size)")
      try expectOneAnswer(file, image, threads: [3], on: [.reference], "\(size)")
      let direct = try infer(LoadedPlan(network.plan(inputSize: .init(size))), image)
      let isDead = network.zeroInitResidual
      #expect((result == direct) == isDead, "coding changes the results of what is left")
    }
  }

  /// Tiles that overhang the image in every way.
  @Test func everyWidthAgrees() throws {
    for size in stride(from: 35, through: 99, by: 4) {
      let file = try TestNetwork.basic.plan(inputSize: .init(size), isCoded: true)
      try expectOneAnswer(file, testImage(size, seed: UInt64(size)), "\(size)")
    }
  }

  /// Exact forms are for direct sums; coded ones stay as they are in a tuned session.
  @Test func tuningLeavesThemAlone() throws {
    let network = TestNetwork("two widths", .basic, [1, 1], [32, 32])
    let plan = LoadedPlan(try network.plan(inputSize: 32, isCoded: true))
    let image = testImage(32, seed: 3)
    let expected = try infer(plan, image)
    var session = try Session(plan.plan(), tuning: .measured)
    session.run(image.span)
    #expect(Results(session) == expected)
    for index in 0..<session.plan.view.stepCount
    where session.plan.view.step(index).arithmetic.algorithm.isCoded {
      #expect(session.form(ofStep: index) == nil)
    }
  }

  @Test func layersInFloatingPointStandBesideThem() throws {
    let file = try TestNetwork.deep.plan(
      inputSize: 64, layers: ["layer2.0.conv2": .float16, "layer3.0.conv1": .float32],
      isCoded: true)
    try expectOneAnswer(file, testImage(64, seed: 5))
  }
}
