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

  /// The sigmoid, which is 0.5 where the logit changes its sign.
  @Test func theProbabilityOfASingleLogitIsItsSigmoid() throws {
    let network = TestNetwork("one", .basic, [1], [16], outputs: 1)
    let plan = LoadedPlan(try network.plan(inputSize: 32))
    var bits: Set<UInt32> = []
    for set in [InstructionSet.reference, .best] {
      var classifier = try Classifier(plan.plan(), instructionSet: set)
      let result = classifier.classify(testImage(32, seed: 1).span)
      let logit = Double(result.logits[0])
      #expect(abs(Double(result.probabilities[0]) - 1 / (1 + exp(-logit))) < 1e-6)
      #expect(result.probabilities[0] < 1)
      #expect(result.top(5).map(\.probability) == result.probabilities)
      bits.insert(result.probabilities[0].bitPattern)
    }
    #expect(bits.count == 1)
  }
}
