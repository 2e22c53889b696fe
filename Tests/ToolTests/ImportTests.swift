// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelImport
import XCTest

/// What `resnet-quantize` says about checkpoints that are not plain state dictionaries.
final class ImportTests: XCTestCase {
  /// A safetensors file of one network twice: averaged weights, and others.
  private func twoCopies(_ scratch: Scratch) throws -> String {
    let source = ShippedModel.folder.appendingPathComponent("resnet18-imagenette.safetensors").path
    let tensors = try Checkpoint(contentsOf: source).tensors.sorted { $0.key < $1.key }
    var entries: [String] = []
    var data = Data()
    for (prefix, scale) in [("ema_model.", Float(1)), ("model.", 2)] {
      for (name, tensor) in tensors {
        let start = data.count
        // All weights of the other copy are the same but the classifier's.
        let factor = name == "fc.weight" ? scale : 1
        tensor.values.map { ($0 * factor).bitPattern.littleEndian }
          .withUnsafeBytes { data.append(contentsOf: $0) }
        entries.append(
          "\"\(prefix)\(name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),"
            + "\"data_offsets\":[\(start),\(data.count)]}")
      }
    }
    let header = Data("{\(entries.joined(separator: ","))}".utf8)
    var file = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
    file += header + data
    let path = scratch.path("copies.safetensors")
    try file.write(to: URL(fileURLWithPath: path))
    return path
  }

  func testCopyOfTheWeightsIsSaidAndCanBeChosen() throws {
    let scratch = try Scratch()
    let copies = try twoCopies(scratch)
    let plan = scratch.path("copies.plan")
    var result = try Tool.quantize(copies, "--precision", "fp32", "-o", plan)
    XCTAssertEqual(result.status, 0, result.errors)
    XCTAssertTrue(
      result.errors.contains("took the weights under \"ema_model.\", passed over \"model\""),
      result.errors)
    XCTAssertTrue(try Tool.quantize("inspect", plan).text.contains("ema_model."))
    let photo = Repository.example("church")
    let averaged = try vectors("logits", plan: plan, photos: [photo], width: 10)
    let shipped = try vectors(
      "logits", plan: ShippedModel.float32(), photos: [photo], width: 10)
    XCTAssertEqual(averaged, shipped)

    result = try Tool.quantize(
      copies, "--precision", "fp32", "--weights", "model", "-o", plan)
    XCTAssertEqual(result.status, 0, result.errors)
    let other = try vectors("logits", plan: plan, photos: [photo], width: 10)
    XCTAssertNotEqual(other, shipped)

    result = try Tool.quantize(
      copies, "--precision", "fp32", "--weights", "teacher", "-o", plan)
    XCTAssertEqual(result.status, 1)
    XCTAssertTrue(result.errors.contains("expected weights under \"teacher\""), result.errors)
  }

  func testOptionsOfCheckpointsDoNotGoWithRandom() throws {
    for option in [["--weights", "model"], ["--bottleneck-stride", "first"]] {
      let result = try Tool.quantize.run(["--random", "resnet50", "-o", "x.plan"] + option)
      XCTAssertEqual(result.status, 2, result.errors)
    }
    let result = try Tool.quantize("a.pth", "--bottleneck-stride", "second", "-o", "x.plan")
    XCTAssertEqual(result.status, 2, result.errors)
  }
}
