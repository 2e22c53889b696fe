// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import TestPlans
import Testing

@Suite struct SwapChannelsTests {
  /// Stems of 7×7 and of 3×3.
  @Test(arguments: [TestNetwork.basic, .pooled])
  func theFirstConvolutionReadsTheOtherChannels(network: TestNetwork) throws {
    let network = try network.network()
    var turned = network
    try turned.swapRedAndBlue()
    for (before, after) in zip(network.layers, turned.layers) {
      guard before.inputs == [Network.image] else {
        #expect(after == before)
        continue
      }
      guard case .convolution(let old) = before.kind, case .convolution(let new) = after.kind else {
        Issue.record("\(before.name) is no convolution")
        continue
      }
      let taps = old.kernel.height * old.kernel.width
      for index in new.weights.indices {
        let (channel, tap) = (index / taps % 3, index % taps)
        let first = index / (3 * taps) * 3 * taps
        #expect(new.weights[index] == old.weights[first + (2 - channel) * taps + tap])
      }
      #expect(new.bias == old.bias && new.weights != old.weights)
    }
    try turned.swapRedAndBlue()
    #expect(turned == network)
  }
}
