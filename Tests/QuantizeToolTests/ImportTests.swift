// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// What `resnet-quantize` says about checkpoints that are not plain state dictionaries.
extension QuantizeTools.ImportTests {
  /// A safetensors file of one network twice: averaged weights, and others.
  private func twoCopies(_ scratch: Scratch) throws -> String {
    let source = try SafetensorsFile(path: ShippedModel.checkpoint)
    var copies = SafetensorsFile()
    for (prefix, scale) in [("ema_model.", Float(1)), ("model.", 2)] {
      for (name, entry) in source.entries {
        // All weights of the other copy are the same but the classifier's.
        let factor = name == "fc.weight" ? scale : 1
        copies.add(prefix + name, shape: entry.shape, source.floats(name).map { $0 * factor })
      }
    }
    try copies.write(to: scratch.path("copies.safetensors"))
    return scratch.path("copies.safetensors")
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

  @Test(arguments: [
    ["--random", "resnet50", "--weights", "model"],
    ["--random", "resnet50", "--bottleneck-stride", "first"],
    ["a.pth", "--bottleneck-stride", "second"],
  ])
  func optionsOfCheckpointsDoNotGoWithRandom(arguments: [String]) throws {
    let result = try Tool.quantize.end(arguments + ["-o", "x.plan"])
    #expect(result.status == 2, "\(result.errors)")
  }
}
