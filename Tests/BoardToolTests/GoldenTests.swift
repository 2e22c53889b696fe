// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelImport
import TestPlans
import Testing
import ToolSupport

/// Plans against PyTorch's answers for 100 photos.
extension BoardTools.GoldenTests {
  private func vectors(
    _ kind: String, plan: String
  ) throws -> (found: [Float], expected: [Float]) {
    let golden = SharedData.path("models/resnet18-imagenette.golden")
    let photos = SharedData.path("data/imagenette/validation")
    let names = try String(contentsOfFile: golden + ".txt", encoding: .utf8)
      .split(whereSeparator: \.isNewline)
    let expected = try #require(Checkpoint(path: golden + ".safetensors").tensors[kind]).values
    let found = try ToolSupport.vectors(
      kind, plan: plan, photos: names.map { "\(photos)/\($0)" },
      width: expected.count / names.count)
    #expect(names.count == 100)
    return (Array(found.joined()), expected)
  }

  @Test func halfPrecisionLogits() throws {
    let (found, expected) = try vectors("logits", plan: ShippedModel.float16())
    let ratio = signalToNoise(of: found, against: expected)
    print("fp16 logits: \(ratio) dB from PyTorch")
    #expect(ratio > 55)
  }

  @Test(arguments: ["logits", "features"]) func float32IsPyTorch(kind: String) throws {
    for (name, plan) in [
      ("winograd", ShippedModel.float32), ("direct", ShippedModel.directFloat32),
    ] {
      let (found, expected) = try vectors(kind, plan: plan())
      let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
      print("\(kind), \(name): largest difference from PyTorch \(worst)")
      #expect(worst < 1e-4)
    }
  }
}
