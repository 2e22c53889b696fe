// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import TestPlans
import Testing

@Suite struct SwapChannelsTests {
  @Test(arguments: [TestNetwork.basic, .pooled])
  func aTurnedNetworkOfATurnedImageGivesTheSame(network: TestNetwork) throws {
    let network = try network.network()
    var turned = network
    try turned.swapRedAndBlue()
    #expect(turned != network)
    let pixels = testImage(32, seed: 3)
    var other = pixels
    for red in stride(from: 0, to: other.count, by: 3) { other.swapAt(red, red + 2) }
    let (mean, std) = (SIMD3<Float>(0.1, 0.2, 0.3), SIMD3<Float>(1, 2, 3))
    let expected = PlainNetwork(network).outputs(pixels, size: 32, mean: mean, std: std)
    let found = PlainNetwork(turned).outputs(
      other, size: 32, mean: SIMD3(0.3, 0.2, 0.1), std: SIMD3(3, 2, 1))
    for (a, b) in zip(found["logits"] ?? [], try #require(expected["logits"])) {
      #expect(abs(a - b) < 1e-9)
    }
    try turned.swapRedAndBlue()
    #expect(turned == network)
  }
}
