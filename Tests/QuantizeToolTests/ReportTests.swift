// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// What `resnet-quantize` reports of the plan that it makes.
extension QuantizeTools.ReportTests {
  private struct Report: Decodable {
    struct Trial: Decodable {
      var method: String
      var logitsDecibels: Double
    }
    struct Block: Decodable {
      var name: String
      var decibels: Double
    }
    struct Accuracy: Decodable {
      struct Score: Decodable { var top1, top5: Double }
      var photos: Int
      var float32, int8: Score
    }
    struct Tensor: Decodable {
      var minimum, maximum, low, high: Float
      var histogram: [Int]
    }
    struct Preprocessing: Decodable { var resizing, normalization, origin: String }
    var preprocessing: Preprocessing
    var method: String
    var heldOutPhotos: Int
    var trials: [Trial]
    var blocks: [Block]
    var logitsDecibels: Double
    var accuracy: Accuracy
    var tensors: [Tensor]
  }

  @Test func reports() throws {
    let output = try Scratch()
    let examples = try ShippedModel.labelledExamples()
    // The photos are of 160 pixels: at 128 the network still knows them.
    let text = try Tool.quantize(
      ShippedModel.arguments + [
        "--input-size", "128", "--evaluate", examples.url.path, "--report", output.path("r.json"),
        "--report", output.path("r.html"), "-o", output.path("a.plan"),
      ]
    ).text
    #expect(try output.names() == ["a.plan", "r.html", "r.json"])
    #expect(text.contains("<- kept"))
    #expect(text.contains("10 labelled photos: top-1 "))

    let report = try JSON.decode(Report.self, from: output.data("r.json"))
    #expect(
      report.preprocessing.resizing
        == "RGB, shorter side to 146 (bilinear, antialiased), centre 128×128")
    #expect(report.preprocessing.normalization.hasPrefix("mean 0.485 0.456 0.406, std "))
    #expect(report.preprocessing.origin == "assumed torchvision's")
    #expect(report.heldOutPhotos == 16)
    #expect(report.trials.count == 6)
    let best = try #require(report.trials.max { $0.logitsDecibels < $1.logitsDecibels })
    #expect(best.method == report.method)
    #expect(report.logitsDecibels > 25)
    #expect(report.blocks.first?.name == "stem")
    #expect(report.blocks.last?.name == "head")
    for block in report.blocks { #expect(block.decibels > 15, "\(block.name)") }
    #expect(report.accuracy.photos == 10)
    #expect(report.accuracy.float32.top1 >= 0.8)
    #expect(report.accuracy.int8.top1 >= 0.8)
    #expect(report.accuracy.int8.top5 >= report.accuracy.int8.top1)
    for tensor in report.tensors {
      #expect(tensor.low < tensor.high)
      #expect(tensor.histogram.reduce(0, +) > 0)
    }

    let page = String(decoding: try output.data("r.html"), as: UTF8.self)
    #expect(
      page.contains("\(report.preprocessing.resizing); \(report.preprocessing.normalization)"))
    for address in ["http://", "https://", "src=", "<script", "@import", "url("] {
      #expect(!page.contains(address), "\(address)")
    }
    #expect(page.components(separatedBy: "<svg").count == 1 + 1 + report.tensors.count + 1)
  }
}
