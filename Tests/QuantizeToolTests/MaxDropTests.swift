// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelImport
import TestPlans
import Testing
import ToolSupport

/// `--max-drop` on the shipped model, of which some channels have been made so unequal that int8 breaks it.
extension QuantizeTools.MaxDropTests {
  /// The shipped checkpoint with eight channels of each block's first convolution multiplied by 2^`shift` and
  /// divided by it in the next one: the same function in float32.
  private func unequal(_ blocks: [String], shift: Int) throws -> (folder: Scratch, path: String) {
    var checkpoint = try Checkpoint(path: ShippedModel.checkpoint)
    let factor = Float(sign: .plus, exponent: shift, significand: 1)
    for block in blocks {
      for name in ["\(block).bn1.weight", "\(block).bn1.bias"] {
        checkpoint.tensors[name] = checkpoint.tensors[name]?.map { $0 < 8 ? $1 * factor : $1 }
      }
      let next = "\(block).conv2.weight"
      let weights = try #require(checkpoint.tensors[next])
      checkpoint.tensors[next] = weights.map { $0 / 9 % weights.shape[1] < 8 ? $1 / factor : $1 }
    }
    let folder = try Scratch()
    let path = try folder.write(safetensorsFile(checkpoint.named), to: "unequal.safetensors")
    return (folder, path)
  }

  private struct Report: Decodable {
    struct Accuracy: Decodable {
      struct Score: Decodable { var top1: Double }
      var float32, int8: Score
    }
    struct Layer: Decodable { var name, format: String }
    var accuracy: Accuracy
    var layers: [Layer]
  }

  private func arguments(_ model: String, _ photos: Scratch) -> [String] {
    [model] + ShippedModel.arguments.dropFirst()
      + ["--input-size", "128", "--method", "min-max", "--evaluate", photos.url.path]
  }

  @Test(.slow) func layersStayOutOfInt8() throws {
    let photos = try ShippedModel.labelledExamples()
    let (folder, model) = try unequal(["layer1.0", "layer3.1"], shift: 9)
    let plan = folder.path("a.plan")
    func run(_ options: [String]) throws -> (result: ToolResult, report: Report) {
      let result = try Tool.quantize(
        arguments(model, photos) + options + ["--report", folder.path("a.json"), "-o", plan])
      return (result, try JSON.decode(Report.self, from: folder.data("a.json")))
    }
    let broken = try run([]).report
    #expect(broken.accuracy.int8.top1 < broken.accuracy.float32.top1 - 0.2)
    #expect(broken.layers.allSatisfy { $0.format == "int8" })

    var plans: [Data] = []
    for threads in ["1", "2"] {
      let (result, kept) = try run(["--max-drop", "0", "--threads", threads])
      plans.append(try Data(path: plan))
      #expect(kept.accuracy.int8.top1 >= kept.accuracy.float32.top1)
      let layers = kept.layers.filter { $0.format != "int8" }.map(\.name)
      #expect(1...4 ~= layers.count, "\(layers)")
      #expect(result.text.contains("in fp16         \(layers.joined(separator: " "))\n"))
      #expect(try Tool.quantize("inspect", plan).text.contains("int8, \(layers.count) layer"))
    }
    let isSame = plans[0] == plans[1]
    #expect(isSame)
  }
}
