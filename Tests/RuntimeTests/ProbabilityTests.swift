// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetRuntime
import TestPlans
import Testing

@Suite struct ProbabilityTests {
  @Test(arguments: [TestNetwork.basic, .odd, .oddBottleneck])
  func probabilitiesAreTheSoftmaxOfTheLogits(network: TestNetwork) throws {
    let plan = LoadedPlan(try network.plan(inputSize: 64))
    let image = testImage(64, seed: 1)
    var bits: [[UInt32]] = []
    for set in [InstructionSet.reference, .best] {
      var session = try Session(plan.plan(), instructionSet: set)
      session.run(image.span)
      var found = [Float](repeating: -1, count: network.config.outputDimension + 1)
      found.withUnsafeMutableBufferPointer { session.probabilities(into: $0) }
      #expect(found.removeLast() == -1, "nothing behind the last class is written")
      #expect(abs(found.reduce(0.0) { $0 + Double($1) } - 1) < 1e-6)
      let logits = session.logits.map(Double.init)
      let greatest = try #require(logits.max())
      let exponentials = logits.map { exp($0 - greatest) }
      let sum = exponentials.reduce(0, +)
      for (probability, exponential) in zip(found, exponentials) {
        #expect(abs(Double(probability) - exponential / sum) < 1e-6)
      }
      bits.append(found.map(\.bitPattern))
    }
    #expect(bits[0] == bits[1])
  }
}
