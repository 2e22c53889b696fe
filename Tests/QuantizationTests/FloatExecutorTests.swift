// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import TestPlans
import Testing

@Suite struct FloatExecutorTests {
  private let mean = SIMD3<Float>(0.485, 0.456, 0.406)
  private let std = SIMD3<Float>(0.229, 0.224, 0.225)

  private func relativeError(_ found: [Float], _ expected: [Double]) -> Double {
    let greatest = expected.map(abs).max() ?? 0
    return zip(found, expected).map { abs(Double($0) - $1) }.max()! / greatest
  }

  @Test(arguments: TestNetwork.all, [32, 45])
  func agreesWithAPlainForwardPass(network: TestNetwork, size: Int) throws {
    guard try network.suits(size) else { return }
    let fused = try network.program(inputSize: size)
    let executor = FloatExecutor(
      FloatModel(fused, preprocessing: PreprocessingRecord(resize: size, crop: size)))
    // The second image finds the tensors as the first left them.
    for seed in [1, 2] as [UInt64] {
      let image = testImage(size, seed: seed)
      executor.run(image)
      let expected = try PlainNetwork(network.network())
        .outputs(image, size: size, mean: mean, std: std)
      let features = executor.values(of: fused.featuresTensor)
      let logits = executor.values(of: fused.logitsTensor)
      #expect(features.count == network.config.featureCount)
      #expect(logits.count == network.config.outputDimension)
      #expect(try relativeError(features, #require(expected["features"])) < 1e-4)
      #expect(try relativeError(logits, #require(expected["logits"])) < 1e-4)
    }
  }
}
