// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelImport
import TestPlans
import Testing
import ToolSupport

/// What `resnet-quantize` says about checkpoints that are not plain state dictionaries.
extension QuantizeTools.ImportTests {
  /// A safetensors file of one network twice: averaged weights, and others.
  private func twoCopies(_ scratch: Scratch) throws -> String {
    let source = try Checkpoint(path: ShippedModel.checkpoint).named
    var copies: NamedTensors = []
    for (prefix, scale) in [("ema_model.", Float(1)), ("model.", 2)] {
      for (name, tensor) in source {
        // All weights of the other copy are the same but the classifier's.
        let factor = name == "fc.weight" ? scale : 1
        copies.append((prefix + name, tensor.map { $1 * factor }))
      }
    }
    return try scratch.write(safetensorsFile(copies), to: "copies.safetensors")
  }

  @Test func copyOfTheWeightsIsSaidAndCanBeChosen() throws {
    let scratch = try Scratch()
    let plan = scratch.path("copies.plan")
    let arguments = [try twoCopies(scratch), "--precision", "fp32", "-o", plan]
    let photo = Repository.example("church")
    func logits(_ plan: String) throws -> [[Float]] {
      try vectors("logits", plan: plan, photos: [photo], width: 10)
    }
    let result = try Tool.quantize(arguments)
    #expect(
      result.errors.contains("took the weights under \"ema_model.\", passed over \"model\""),
      "\(result.errors)")
    #expect(try Tool.quantize("inspect", plan).text.contains("ema_model."))
    let shipped = try logits(ShippedModel.float32())
    #expect(try logits(plan) == shipped)

    try Tool.quantize(arguments + ["--weights", "model"])
    #expect(try logits(plan) != shipped)

    let refused = try Tool.quantize.end(arguments + ["--weights", "teacher"])
    #expect(refused.status == 1)
    #expect(refused.errors.contains("expected weights under \"teacher\""), "\(refused.errors)")
  }
}
