// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import TestPlans
import Testing

/// The memory that is promised for the networks people use.
@Suite struct ArenaSizeTests {
  @Test(arguments: [
    (ResNetConfig.resnet18, 776_192), (.resnet34, 776_192), (.resnet50, 2_508_800),
  ])
  func int8ArenasAt224Pixels(config: ResNetConfig, arena: Int) throws {
    let fused = try Program(Network(random: config, seed: 1), inputSize: 224)
    // Places do not depend on scales.
    let scales = fused.tensors.map { _ in ActivationScale(low: 0, high: 1) }
    let bytes = try Planner.plan(QuantizationScheme(fused.model, activations: scales))
    try withView(bytes) { view in
      #expect(view.arenaByteCount == arena)
      // Three rows of the stem, 112 + 2 pixels with 64 channels.
      #expect(view.scratchByteCount == 3 * 114 * 64)
    }
  }
}
