// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestPlans
import XCTest

/// fp16 plans of the shipped checkpoint.
final class HalfPrecisionTests: XCTestCase {
  private func plan(_ options: [String]) throws -> (scratch: Scratch, path: String) {
    let scratch = try Scratch()
    let path = scratch.path("half.plan")
    let result = try Tool.quantize.run(
      ShippedModel.arguments(output: path) + ["--precision", "fp16"] + options)
    XCTAssertEqual(result.status, 0, result.errors)
    return (scratch, path)
  }

  /// Of every convolution: what `inspect` says after its format.
  private func forms(_ path: String) throws -> [String] {
    let steps = try Tool.quantize("inspect", path).text.split(separator: "\n")
    return steps.filter { $0.contains(" convolution ") }.map {
      $0.components(separatedBy: "fp16, ").dropFirst().joined(separator: "fp16, ")
    }
  }

  func testThePlanIsHalfAsLarge() throws {
    for choice in ["made", "none"] {
      let (scratch, path) = try plan(["--transformed", choice])
      let size = try XCTUnwrap(
        FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
      XCTAssertLessThan(size, 23_000_000)
      XCTAssertEqual(try scratch.names(), ["half.plan"])
    }
  }

  func testInspectTellsFormsAndPlaces() throws {
    let made = try forms(ShippedModel.float16())
    XCTAssertEqual(made.count, 19)
    XCTAssertEqual(made.filter { $0 == "F(4×4), 294 kB made" }.count, 4)
    XCTAssertEqual(made.filter { $0 == "F(4×4), 1179 kB made" }.count, 3)
    // The first ones of stages 2 to 4 and their shortcuts have a stride.
    XCTAssertEqual(made.filter { $0.isEmpty }.count, 6)
    let stored = try plan(["--transformed", "stored", "--transformed-limit", "3"])
    XCTAssertTrue(try forms(stored.path).contains("F(4×4), 294 kB stored"))
    XCTAssertFalse(try forms(stored.path).contains { $0.contains("4718 kB") })
    let direct = try plan(["--transformed", "none"])
    XCTAssertEqual(Set(try forms(direct.path)), [""])
    XCTAssertTrue(try forms(ShippedModel.halfSums()).allSatisfy { $0.hasSuffix("fp16 sums") })
  }

  func testOptionsThatDoNotGoTogetherAreRefused() throws {
    let model = ShippedModel.folder.appendingPathComponent("resnet18-imagenette.safetensors").path
    let cases: [([String], String)] = [
      (["--sums", "fp16", "--precision", "fp32"], "--sums goes with --precision fp16"),
      (["--sums", "fp16", "--precision", "fp16"], "--sums fp16 needs --calibration DIR"),
      (["--transformed", "made", "--precision", "fp32"], "go with weights in fp16"),
      (["--transformed-limit", "9", "--precision", "fp32"], "go with weights in fp16"),
      (["--transformed-limit", "5000", "--precision", "fp16"], "of 0 to 4096 MB, found 5000"),
    ]
    let scratch = try Scratch()
    for (options, reason) in cases {
      let result = try Tool.quantize.run([model, "-o", scratch.path("a.plan")] + options)
      XCTAssertNotEqual(result.status, 0)
      XCTAssertFalse(result.isCrash)
      XCTAssertTrue(result.errors.contains(reason), result.errors)
    }
    XCTAssertEqual(try scratch.names(), [])
  }

  func testInspectShowsAnyProvenance() throws {
    let scratch = try Scratch()
    let file = try TestNetwork.basic.plan(inputSize: 32) { $0.provenance = ":\n::\nno colon\na: b" }
    try Data(file).write(to: URL(fileURLWithPath: scratch.path("a.plan")))
    let result = try Tool.quantize("inspect", scratch.path("a.plan"))
    XCTAssertEqual(result.status, 0, result.errors)
    XCTAssertTrue(result.text.contains("no colon"), result.text)
  }
}
