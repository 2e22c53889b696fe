// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import TestPlans
import Testing

@Suite struct FloatExecutorTests {
  @Test(arguments: TestNetwork.all, [32, 45])
  func agreesWithAPlainForwardPass(network: TestNetwork, size: Int) throws {
    let fused = try network.program(inputSize: .init(size))
    let executor = FloatExecutor(fused.model)
    // The second image finds the tensors as the first left them.
    for seed in [1, 2] as [UInt64] {
      let image = testImage(size, seed: seed)
      executor.run(image)
      let expected = try PlainNetwork(network.network()).outputs(image)
      let features = executor.values(of: fused.outputs[0].tensor)
      let logits = executor.values(of: fused.mainOutput.tensor)
      #expect(features.count == network.config.featureCount)
      #expect(logits.count == network.config.outputDimension)
      #expect(try relativeDifference(features, #require(expected["features"])) < 1e-4)
      #expect(try relativeDifference(logits, #require(expected["logits"])) < 1e-4)
    }
  }
}
