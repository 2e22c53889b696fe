// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

/// `--max-drop` on the shipped model, of which some channels have been made so unequal that int8 breaks it.
final class MaxDropTests: XCTestCase {
  /// The shipped checkpoint with eight channels of each block's first convolution multiplied by 2^`shift` and
  /// divided by it in the next one: the same function in float32.
  private func unequal(_ blocks: [String], shift: Int) throws -> (folder: Scratch, path: String) {
    let source = ShippedModel.folder.appendingPathComponent("resnet18-imagenette.safetensors")
    var file = try Data(contentsOf: source)
    let headerSize = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try XCTUnwrap(
      JSONSerialization.jsonObject(with: file[8..<8 + headerSize]) as? [String: Any])
    func place(_ name: String) throws -> (start: Int, shape: [Int]) {
      let entry = try XCTUnwrap(header[name] as? [String: Any])
      let offsets = try XCTUnwrap(entry["data_offsets"] as? [Int])
      return (8 + headerSize + offsets[0], try XCTUnwrap(entry["shape"] as? [Int]))
    }
    try file.withUnsafeMutableBytes { bytes in
      let factor = Float(sign: .plus, exponent: shift, significand: 1)
      for block in blocks {
        for name in ["bn1.weight", "bn1.bias"] {
          let start = try place("\(block).\(name)").start
          for channel in 0..<8 {
            let offset = start + 4 * channel
            let value = bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)
            bytes.storeBytes(of: value * factor, toByteOffset: offset, as: Float.self)
          }
        }
        let (start, shape) = try place("\(block).conv2.weight")
        for output in 0..<shape[0] {
          for index in output * shape[1] * 9..<(output * shape[1] + 8) * 9 {
            let offset = start + 2 * index
            let value = bytes.loadUnaligned(fromByteOffset: offset, as: Float16.self)
            bytes.storeBytes(
              of: Float16(Float(value) / factor), toByteOffset: offset, as: Float16.self)
          }
        }
      }
    }
    let folder = try Scratch()
    try file.write(to: URL(fileURLWithPath: folder.path("unequal.safetensors")))
    return (folder, folder.path("unequal.safetensors"))
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

  private func report(_ path: String) throws -> Report {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Report.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private func arguments(_ model: String, _ photos: Scratch) -> [String] {
    [
      model, "--calibration", ShippedModel.folder.appendingPathComponent("calibration").path,
      "--classes", ShippedModel.folder.appendingPathComponent("classes.txt").path, "--input-size",
      "128", "--method", "min-max", "--evaluate", photos.url.path,
    ]
  }

  func testLayersStayOutOfInt8() throws {
    let photos = try ShippedModel.labelledExamples()
    let (folder, model) = try unequal(["layer1.0", "layer3.1"], shift: 9)
    let arguments = arguments(model, photos)

    let plain = try Tool.quantize.run(
      arguments + ["--report", folder.path("plain.json"), "-q", "-o", folder.path("plain.plan")])
    XCTAssertEqual(plain.status, 0, plain.errors)
    let broken = try report(folder.path("plain.json"))
    XCTAssertLessThan(broken.accuracy.int8.top1, broken.accuracy.float32.top1 - 0.2)
    XCTAssertTrue(broken.layers.allSatisfy { $0.format == "int8" })

    var plans: [Data] = []
    for threads in ["1", "2"] {
      let result = try Tool.quantize.run(
        arguments + [
          "--max-drop", "0", "--threads", threads, "--report", folder.path("kept.json"), "-o",
          folder.path("kept.plan"),
        ])
      XCTAssertEqual(result.status, 0, result.errors)
      plans.append(try Data(contentsOf: URL(fileURLWithPath: folder.path("kept.plan"))))
      let kept = try report(folder.path("kept.json"))
      XCTAssertGreaterThanOrEqual(kept.accuracy.int8.top1, kept.accuracy.float32.top1)
      let layers = kept.layers.filter { $0.format != "int8" }.map(\.name)
      XCTAssertTrue(1...4 ~= layers.count, "\(layers)")
      XCTAssertTrue(result.text.contains("in fp16         \(layers.joined(separator: " "))\n"))
      let inspection = try Tool.quantize("inspect", folder.path("kept.plan"))
      XCTAssertTrue(inspection.text.contains("int8, \(layers.count) layer"), inspection.text)
    }
    XCTAssertEqual(plans[0], plans[1])
  }

  func testWhatNoChoiceBringsIsAnError() throws {
    let photos = try ShippedModel.labelledExamples()
    // Every block is broken: one layer in int8 is one too many.
    let blocks = (1...4).flatMap { stage in (0...1).map { "layer\(stage).\($0)" } }
    let (folder, model) = try unequal(blocks, shift: 14)
    let result = try Tool.quantize.run(
      arguments(model, photos) + ["--max-drop", "0", "-q", "-o", folder.path("a.plan")])
    XCTAssertEqual(try folder.names(), ["unequal.safetensors"])
    assertFailure(
      result, "and no choice of layers out of int8 brings it to 0.00", tool: "resnet-quantize")
  }
}
