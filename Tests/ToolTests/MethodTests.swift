// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

/// Calibration of the shipped model by every method, on a few photos and a small image.
final class MethodTests: XCTestCase {
  private static let methods = [
    "auto", "min-max", "moving-average", "percentile", "entropy", "mse",
  ]

  /// Eight of the shipped calibration photos, under names that sort in another order each time.
  private func photos(_ name: (Int) -> String) throws -> Scratch {
    let scratch = try Scratch()
    let folder = ShippedModel.folder.appendingPathComponent("calibration").path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    for (place, photo) in stride(from: 0, to: names.count, by: 8).map({ names[$0] }).enumerated() {
      try FileManager.default.copyItem(
        atPath: "\(folder)/\(photo)", toPath: scratch.path("\(name(place)).jpg"))
    }
    return scratch
  }

  private func quantize(_ photos: String, _ options: [String]) throws -> ToolResult {
    let model = ShippedModel.folder.appendingPathComponent("resnet18-imagenette.safetensors").path
    return try Tool.quantize.run(
      [model, "--calibration", photos, "--input-size", "64"] + options)
  }

  func testThreadsNamesAndRunsDoNotMatter() throws {
    let sorted = try photos { "\($0)" }
    let reversed = try photos { "\(9 - $0)" }
    let output = try Scratch()
    for method in Self.methods {
      var plans: [Data] = []
      for (folder, threads) in [(sorted, "1"), (sorted, "2"), (reversed, "2"), (sorted, "2")] {
        let result = try quantize(
          folder.url.path,
          ["--method", method, "--threads", threads, "-q", "-o", output.path("a.plan")])
        XCTAssertEqual(result.status, 0, result.errors)
        plans.append(try Data(contentsOf: URL(fileURLWithPath: output.path("a.plan"))))
      }
      XCTAssertTrue(plans.allSatisfy { $0 == plans[0] }, method)
    }
  }

  func testMethodsDiffer() throws {
    let photos = try photos { "\($0)" }
    let output = try Scratch()
    var plans: Set<Data> = []
    for method in Self.methods.dropFirst() {
      for correction in ["--bias-correction", "--no-bias-correction"] {
        let result = try quantize(
          photos.url.path, ["--method", method, correction, "-q", "-o", output.path("a.plan")])
        XCTAssertEqual(result.status, 0, result.errors)
        plans.insert(try Data(contentsOf: URL(fileURLWithPath: output.path("a.plan"))))
      }
    }
    XCTAssertEqual(plans.count, 10)
  }

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
    var method: String
    var heldOutPhotos: Int
    var trials: [Trial]
    var blocks: [Block]
    var logitsDecibels: Double
    var accuracy: Accuracy
    var tensors: [Tensor]
  }

  func testReports() throws {
    let output = try Scratch()
    let examples = try ShippedModel.labelledExamples()
    // The photos are of 160 pixels: at 128 the network still knows them.
    let model = ShippedModel.folder.appendingPathComponent("resnet18-imagenette.safetensors").path
    let result = try Tool.quantize(
      model, "--calibration", ShippedModel.folder.appendingPathComponent("calibration").path,
      "--classes", ShippedModel.folder.appendingPathComponent("classes.txt").path, "--input-size",
      "128", "--evaluate", examples.url.path, "--report", output.path("r.json"), "--report",
      output.path("r.html"), "-o", output.path("a.plan"))
    XCTAssertEqual(result.status, 0, result.errors)
    XCTAssertEqual(try output.names(), ["a.plan", "r.html", "r.json"])
    XCTAssertTrue(result.text.contains("<- kept"), result.text)
    XCTAssertTrue(result.text.contains("10 labelled photos: top-1 "), result.text)

    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let report = try decoder.decode(
      Report.self, from: Data(contentsOf: URL(fileURLWithPath: output.path("r.json"))))
    XCTAssertEqual(report.heldOutPhotos, 16)
    XCTAssertEqual(report.trials.count, 6)
    let best = try XCTUnwrap(report.trials.max { $0.logitsDecibels < $1.logitsDecibels })
    XCTAssertEqual(best.method, report.method)
    XCTAssertGreaterThan(report.logitsDecibels, 25)
    XCTAssertEqual(report.blocks.map(\.name).first, "stem")
    XCTAssertEqual(report.blocks.map(\.name).last, "head")
    for block in report.blocks { XCTAssertGreaterThan(block.decibels, 15, block.name) }
    XCTAssertEqual(report.accuracy.photos, 10)
    XCTAssertGreaterThanOrEqual(report.accuracy.float32.top1, 0.8)
    XCTAssertGreaterThanOrEqual(report.accuracy.int8.top1, 0.8)
    XCTAssertGreaterThanOrEqual(report.accuracy.int8.top5, report.accuracy.int8.top1)
    for tensor in report.tensors {
      XCTAssertLessThan(tensor.low, tensor.high)
      XCTAssertGreaterThan(tensor.histogram.reduce(0, +), 0)
    }

    let page = try String(contentsOfFile: output.path("r.html"), encoding: .utf8)
    for address in ["http://", "https://", "src=", "<script", "@import", "url("] {
      XCTAssertFalse(page.contains(address), address)
    }
    XCTAssertEqual(page.components(separatedBy: "<svg").count, 1 + 1 + report.tensors.count + 1)
  }

  func testWhatDoesNotGoTogether() throws {
    let cases: [([String], Int32, String)] = [
      (["--report", "r.txt"], 2, "expected --report of a .html or .json file, found r.txt"),
      (["--precision", "fp32", "--report", "r.html"], 2, "--report goes with an int8 plan"),
      (["--max-drop", "0.3"], 2, "--max-drop needs an int8 plan and --evaluate DIR"),
      (
        ["--max-drop", "101", "--evaluate", "d"], 2,
        "expected --max-drop of 0 to 100 points, found 101"
      ),
      (
        ["--evaluate", "/nonexistent"], 1,
        "/nonexistent: expected folders with JPEG or PNG photos"
      ),
    ]
    let output = try Scratch()
    for (options, status, reason) in cases {
      let result = try quantize(
        ShippedModel.folder.appendingPathComponent("calibration").path,
        options + ["-o", output.path("a.plan")])
      XCTAssertEqual(result.status, status, "\(options) \(result.errors)")
      XCTAssertTrue(result.errors.contains(reason), result.errors)
      XCTAssertEqual(try output.names(), [])
    }
  }
}
