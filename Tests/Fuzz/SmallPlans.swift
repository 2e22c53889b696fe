// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import TestPlans

/// Plans of small networks: one at least of each number format, operation and place of transformed weights.
func smallPlans() throws -> [(name: String, bytes: [UInt8])] {
  let forms = TestNetwork("forms", .basic, [1, 1], [32, 32])
  let everyForm: (inout PlanOptions) -> Void = {
    $0.targets = [.neon]
    $0.winogradByteLimit = 1 << 30
  }
  let storedForms: (inout PlanOptions) -> Void = {
    everyForm(&$0)
    $0.winograd = .inPlan
    $0.classNames = (0..<10).map { "class \($0)" }
  }
  let mixed = Dictionary(
    uniqueKeysWithValues: try forms.layers(inputSize: 32).enumerated()
      .filter { $0.offset % 2 == 1 }
      .map { ($0.element, $0.offset % 4 == 1 ? WeightFormat.float16 : .float32) })
  let tensors = try forms.program(inputSize: 32).tensors.count
  return [
    ("int8", try TestNetwork.basic.plan(inputSize: 32)),
    ("int8-forms", try forms.plan(inputSize: 32) { $0.classNames = (0..<10).map { "n\($0)" } }),
    ("int8-coded", try forms.plan(inputSize: 32, isCoded: true)),
    ("int8-deep-stem", try TestNetwork.pooled.plan(inputSize: 32)),
    ("int8-pools", try testPlan(of: pooledNetwork(), inputSize: 64)),
    ("int8-family", try testPlan(of: familyNetwork(), inputSize: 32)),
    ("fp32-family", try testPlan(of: familyNetwork(), inputSize: 32, weights: .float32)),
    ("fp16-family", try testPlan(of: familyNetwork(), inputSize: 32, weights: .float16)),
    ("fp32", try TestNetwork.bottleneck.plan(inputSize: 32, weights: .float32, everyForm)),
    ("fp32-stored", try forms.plan(inputSize: 32, weights: .float32, storedForms)),
    ("fp16", try forms.plan(inputSize: 32, weights: .float16, everyForm)),
    ("fp16-deep-stem", try TestNetwork.pooledBottleneck.plan(inputSize: 32, weights: .float16)),
    ("fp16-pools", try testPlan(of: pooledNetwork(), inputSize: 64, weights: .float16)),
    (
      "fp16-sums",
      try testPlan(
        of: forms.network(), inputSize: 32, weights: .float16,
        magnitudes: [Float](repeating: 1, count: tensors), everyForm)
    ),
    ("mixed", try forms.plan(inputSize: 32, layers: mixed, everyForm)),
    (
      "mixed-direct",
      try TestNetwork.bottleneck.plan(
        inputSize: 32,
        layers: ["layer1.0.conv2": .float16, "layer2.0.conv3": .float32, "fc": .float16])
    ),
  ]
}
