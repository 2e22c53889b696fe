// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// `--fast` on the shipped model.
extension QuantizeTools.FastTests {
  private struct Report: Decodable {
    struct Coded: Decodable {
      var name, form: String
      var logitsDecibels, saving: Double
    }
    struct Accuracy: Decodable {
      struct Score: Decodable { var top1: Double }
      var photos: Int
      var float32, int8: Score
    }
    var coded: [Coded]
    var logitsDecibels: Double
    var accuracy: Accuracy?
  }

  @Test func codedLayersAreNamedEverywhere() throws {
    let folder = try Scratch()
    let plan = folder.path("a.plan")
    let text = try Tool.quantize(
      ShippedModel.arguments + [
        "--fast", "--method", "mse", "--report", folder.path("r.json"), "--report",
        folder.path("r.html"), "-o", plan,
      ]
    ).text
    let report = try JSON.decode(Report.self, from: folder.data("r.json"))
    #expect(report.coded.count > 5)
    #expect(report.logitsDecibels >= 34)
    let page = String(decoding: try folder.data("r.html"), as: UTF8.self)
    let inspection = try Tool.quantize("inspect", plan).text
    for layer in report.coded {
      #expect(0.1...1 ~= layer.saving && layer.logitsDecibels >= report.logitsDecibels)
      #expect(text.contains("\(layer.name)        \(layer.form)"))
      #expect(page.contains("<td>\(layer.name)<td>\(layer.form)"))
      #expect(inspection.contains("\(layer.name) \(layer.form)"), "in the provenance")
    }
    let steps = inspection.split(separator: "\n").filter { $0.contains("int8, coded ") }
    #expect(steps.count == report.coded.count)
  }

  @Test func aLimitThatNothingKeepsLeavesDirectSums() throws {
    let folder = try Scratch()
    let arguments = ShippedModel.arguments + ["--method", "mse", "-q", "-o"]
    try Tool.quantize(arguments + [folder.path("fast.plan"), "--fast", "--min-sqnr", "100"])
    let text = try Tool.quantize("inspect", folder.path("fast.plan")).text
    #expect(text.contains("coded        no layer"))
    #expect(!text.contains("int8, coded"))
  }

  @Test func codingKeepsTheLimitOfTop1() throws {
    let folder = try Scratch()
    let examples = try ShippedModel.labelledExamples()
    try Tool.quantize(
      ShippedModel.arguments + [
        "--fast", "--method", "mse", "--evaluate", examples.url.path, "--max-drop", "0",
        "--report", folder.path("r.json"), "-q", "-o", folder.path("a.plan"),
      ])
    let report = try JSON.decode(Report.self, from: folder.data("r.json"))
    let accuracy = try #require(report.accuracy)
    #expect(accuracy.photos == 10 && accuracy.int8.top1 >= accuracy.float32.top1)
    #expect(!report.coded.isEmpty)
  }

  @Test func wrongUsage() throws {
    for (options, expected) in [
      (["--min-sqnr", "36"], "--min-sqnr goes with --fast"),
      (["--fast", "--precision", "fp16"], "--fast goes with int8"),
      (["--fast", "--for", "pi4"], "--fast saves no time with --for pi4: Cortex-A72 has no"),
      (["--fast", "--min-sqnr", "101"], "0 to 100 dB"),
    ] {
      let result = try Tool.quantize.end(ShippedModel.arguments + options + ["-o", "a.plan"])
      #expect(result.status == 2, "\(result.status)")
      #expect(result.errors.contains(expected), "\(result.errors)")
    }
  }
}
