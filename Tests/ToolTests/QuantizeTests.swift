// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

final class QuantizeTests: XCTestCase {
  private let files = FileManager.default

  /// Checks one line on stderr, exit status 1 and no plan.
  private func assertRefused(
    _ arguments: [String], _ reason: String, _ scratch: Scratch, line: UInt = #line
  ) throws {
    let before = try scratch.names()
    let result = try Tool.quantize.run(arguments + ["-q", "-o", scratch.path("refused.plan")])
    XCTAssertFalse(result.isCrash, result.errors, line: line)
    XCTAssertEqual(result.status, 1, result.errors, line: line)
    XCTAssertEqual(result.errors.filter { $0 == "\n" }.count, 1, result.errors, line: line)
    XCTAssertTrue(result.errors.hasPrefix("resnet-quantize: "), result.errors, line: line)
    XCTAssertTrue(result.errors.contains(reason), result.errors, line: line)
    XCTAssertEqual(try scratch.names(), before, line: line)
  }

  private let checkpoint = ShippedModel.folder
    .appendingPathComponent("resnet18-imagenette.safetensors").path
  private let calibration = ShippedModel.folder.appendingPathComponent("calibration").path

  func testSameBytesForAnyThreadCountAndFileNames() throws {
    let scratch = try Scratch()
    let renamed = scratch.url.appendingPathComponent("renamed")
    try files.createDirectory(at: renamed, withIntermediateDirectories: true)
    for (index, name) in try files.contentsOfDirectory(atPath: calibration).sorted().enumerated() {
      let target = renamed.appendingPathComponent("\(index * 37 % 101).jpg").path
      try files.copyItem(atPath: "\(calibration)/\(name)", toPath: target)
    }
    var arguments = ShippedModel.arguments(output: scratch.path("again.plan"))
    arguments[2] = renamed.path
    let result = try Tool.quantize.run(arguments + ["--threads", "1"])
    XCTAssertEqual(result.status, 0, result.errors)
    XCTAssertTrue(
      files.contentsEqual(atPath: scratch.path("again.plan"), andPath: try ShippedModel.int8()))
  }

  func testDamagedAndForeignCheckpoints() throws {
    let scratch = try Scratch()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: checkpoint))
    try bytes.prefix(bytes.count / 2).write(to: scratch.url.appendingPathComponent("cut"))
    try assertRefused([scratch.path("cut"), "--precision", "fp32"], "expected", scratch)
    try assertRefused([Repository.example("tench"), "--precision", "fp32"], "expected", scratch)
    try assertRefused([scratch.path("missing"), "--precision", "fp32"], "No such file", scratch)
    try assertRefused(
      [checkpoint, "--precision", "fp32", "--architecture", "resnet50"], "ResNet50", scratch)
  }

  func testCalibrationFolders() throws {
    let scratch = try Scratch()
    let folder = scratch.url.appendingPathComponent("photos")
    try assertRefused([checkpoint, "--calibration", folder.path], "expected a folder", scratch)
    try files.createDirectory(at: folder, withIntermediateDirectories: true)
    try assertRefused([checkpoint, "--calibration", folder.path], "found none", scratch)
    try Data("no photo".utf8).write(to: folder.appendingPathComponent("notes.txt"))
    try assertRefused([checkpoint, "--calibration", folder.path], "found none", scratch)
    let photo = try Data(contentsOf: URL(fileURLWithPath: Repository.example("church")))
    try photo.prefix(photo.count / 2).write(to: folder.appendingPathComponent("cut.jpg"))
    try assertRefused([checkpoint, "--calibration", folder.path], "cut.jpg", scratch)
  }

  func testClassNames() throws {
    let scratch = try Scratch()
    let names = scratch.url.appendingPathComponent("classes.txt")
    let arguments = [checkpoint, "--precision", "fp32", "--classes", names.path]
    try assertRefused(arguments, "classes.txt", scratch)
    try Data("cat\ndog\n".utf8).write(to: names)
    try assertRefused(arguments, "expected 10 class names", scratch)
  }

  func testOutputThatCannotBeWritten() throws {
    let scratch = try Scratch()
    let result = try Tool.quantize(
      "--random", "resnet18", "-q", "-o", scratch.path("missing/random.plan"))
    XCTAssertEqual(result.status, 1)
    XCTAssertTrue(result.errors.contains("cannot write the file: No such file"), result.errors)
    XCTAssertEqual(try scratch.names(), [])
  }

  func testWrongUsageHasStatusTwo() throws {
    for arguments in [
      [], ["a.pth"], [checkpoint, "-o", "x.plan"], ["--random", "resnet18"],
      ["--random", "resnet18", "--input-size", "31", "-o", "x.plan"],
      ["--random", "resnet18", "--method", "median", "-o", "x.plan"],
    ] {
      let result = try Tool.quantize.run(arguments)
      XCTAssertEqual(result.status, 2, "\(arguments): \(result.errors)")
      XCTAssertTrue(result.errors.lowercased().contains("usage:"), result.errors)
    }
  }

  func testEqualizingIsRecordedAndFloat32KeepsItsBits() throws {
    let scratch = try Scratch()
    let plan = scratch.path("equalized.plan")
    let result = try Tool.quantize(checkpoint, "--precision", "fp32", "--equalize", "-o", plan)
    XCTAssertEqual(result.status, 0, result.errors)
    let inspected = try Tool.quantize("inspect", plan)
    XCTAssertTrue(inspected.text.contains("equalized channels "), inspected.text)
    let photos = ["church", "tench"].map(Repository.example)
    let found = try vectors("logits", plan: plan, photos: photos, width: 10)
    let expected = try vectors(
      "logits", plan: try ShippedModel.float32(), photos: photos, width: 10)
    XCTAssertEqual(found, expected)
  }

  func testInspectShowsStepsArenaRecipeAndProvenance() throws {
    let result = try Tool.quantize("inspect", ShippedModel.int8())
    XCTAssertEqual(result.status, 0, result.errors)
    for text in [
      "ResNet18", "layer4.1.conv2", "arena, ", "224×224", "sha256", "method ", "bias correction",
      "1.814 GMAC",
    ] {
      XCTAssertTrue(result.text.contains(text), "\(text) is missing in \(result.text)")
    }
    XCTAssertFalse(result.text.contains("equalized"), result.text)
    let foreign = try Tool.quantize("inspect", Repository.example("tench"))
    XCTAssertEqual(foreign.status, 1)
    XCTAssertTrue(foreign.errors.contains("not a plan file"), foreign.errors)
  }
}
