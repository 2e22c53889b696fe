// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

/// Which photos `resnet-quantize` takes, and that nothing but their contents matters.
final class CalibrationTests: XCTestCase {
  private let files = FileManager.default
  private let checkpoint = ShippedModel.folder
    .appendingPathComponent("resnet18-imagenette.safetensors").path
  private let photos = ShippedModel.folder.appendingPathComponent("calibration").path

  /// A folder with the first shipped calibration photos under names that `name` gives.
  private func folder(
    _ scratch: Scratch, _ title: String, count: Int, name: (Int) -> String
  ) throws -> URL {
    let folder = scratch.url.appendingPathComponent(title)
    let names = try files.contentsOfDirectory(atPath: photos).filter { $0.hasSuffix(".JPEG") }
    for (index, photo) in names.sorted().prefix(count).enumerated() {
      let target = folder.appendingPathComponent(name(index))
      try files.createDirectory(
        at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      try files.copyItem(atPath: "\(photos)/\(photo)", toPath: target.path)
    }
    XCTAssertGreaterThanOrEqual(names.count, count)
    return folder
  }

  private func plan(_ folder: URL, _ output: String, _ options: [String]) throws -> Data {
    let result = try Tool.quantize.run(
      [checkpoint, "--calibration", folder.path, "-q", "-o", output] + options)
    XCTAssertEqual(result.status, 0, result.errors)
    return try Data(contentsOf: URL(fileURLWithPath: output))
  }

  func testEveryMethodGivesTheSameBytesForAnyThreadsNamesAndRun() throws {
    let scratch = try Scratch()
    let one = try folder(scratch, "one", count: 9) { "\($0).jpg" }
    let other = try folder(scratch, "other", count: 9) { "\($0 % 2)/\($0 * 5 % 9).JPEG" }
    var plans: Set<Data> = []
    for method in ["auto", "min-max", "moving-average", "percentile", "entropy", "mse"] {
      let options = ["--method", method]
      let first = try plan(one, scratch.path("plan"), options + ["--threads", "1"])
      let again = try plan(one, scratch.path("plan"), options + ["--threads", "1"])
      XCTAssertTrue(first == again, "\(method): another run, other bytes")
      let shuffled = try plan(other, scratch.path("plan"), options + ["--threads", "2"])
      XCTAssertTrue(first == shuffled, "\(method): other names and threads, other bytes")
      if method != "auto" { plans.insert(first) }
    }
    XCTAssertEqual(plans.count, 5, "methods that make the same plan")
  }

  func testUnreadablePhotosAreListedAndLeftOutUpToAFraction() throws {
    let scratch = try Scratch()
    let options = ["--method", "min-max"]
    let folder = try folder(scratch, "photos", count: 20) { "\($0).jpg" }
    let whole = try plan(folder, scratch.path("whole.plan"), options)
    let photo = try Data(contentsOf: folder.appendingPathComponent("0.jpg"))
    try photo.prefix(photo.count / 2).write(to: folder.appendingPathComponent("cut.jpg"))
    let arguments = [checkpoint, "--calibration", folder.path, "-q"] + options

    // One of 21 is 4.8 %.
    let result = try Tool.quantize.run(arguments + ["-o", scratch.path("some.plan")])
    XCTAssertEqual(result.status, 0, result.errors)
    XCTAssertEqual(result.errors.filter { $0 == "\n" }.count, 1, result.errors)
    XCTAssertTrue(result.errors.contains("left out \(folder.path)/cut.jpg: "), result.errors)
    let some = try Data(contentsOf: URL(fileURLWithPath: scratch.path("some.plan")))
    XCTAssertTrue(some == whole, "what is left out changes the plan")

    for (allowed, isRefused) in [("0", true), ("4.7", true), ("4.8", false)] {
      let output = scratch.path("\(allowed).plan")
      let result = try Tool.quantize.run(arguments + ["--allow-unreadable", allowed, "-o", output])
      if isRefused {
        assertFailure(result, "found 1 of 21, for example", tool: "resnet-quantize")
        XCTAssertTrue(result.errors.contains("cut.jpg"), result.errors)
      } else {
        XCTAssertEqual(result.status, 0, result.errors)
      }
      XCTAssertEqual(files.fileExists(atPath: output), !isRefused)
    }
    for wrong in ["-1", "51", "nan"] {
      let result = try Tool.quantize.run(
        arguments + ["--allow-unreadable=\(wrong)", "-o", scratch.path("wrong.plan")])
      XCTAssertEqual(result.status, 2, result.errors)
    }
  }
}
