// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

final class AccuracyTests: XCTestCase {
  func testExamplePhotosGetTheirLabels() throws {
    let folder = ShippedModel.folder.appendingPathComponent("examples").path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    XCTAssertEqual(names.count, 10)
    let result = try Tool.run.run(
      [ShippedModel.int8()] + names.map { "\(folder)/\($0)" } + ["--top", "1", "--json"])
    XCTAssertEqual(result.status, 0, result.errors)
    let lines = result.text.split(separator: "\n")
    XCTAssertEqual(lines.count, names.count)
    for (name, line) in zip(names, lines) {
      let label = name.dropLast(".jpg".count).replacingOccurrences(of: "-", with: " ")
      XCTAssertTrue(line.lowercased().contains(" \(label)\""), "\(name): \(line)")
    }
  }

  /// int8 against float32 on the 1,000 validation photos.
  func testInt8StaysCloseToFloat32() throws {
    let photos = try SharedData.validationPhotos()
    XCTAssertEqual(photos.count, 1000)
    let float = try vectors("logits", plan: ShippedModel.float32(), photos: photos, width: 10)
    let int8 = try vectors("logits", plan: ShippedModel.int8(), photos: photos, width: 10)
    let synsets = try String(
      contentsOf: ShippedModel.folder.appendingPathComponent("classes.txt"), encoding: .utf8
    ).split(separator: "\n").map { $0.prefix { $0 != " " } }
    let labels = try photos.map { photo in
      try XCTUnwrap(synsets.firstIndex { photo.contains("/\($0)/") })
    }

    let floatAnswers = float.map(argmax)
    let int8Answers = int8.map(argmax)
    let floatRight = zip(floatAnswers, labels).count { $0 == $1 }
    let int8Right = zip(int8Answers, labels).count { $0 == $1 }
    let agreeing = zip(floatAnswers, int8Answers).count { $0 == $1 }
    let ratio = signalToNoise(of: Array(int8.joined()), against: Array(float.joined()))
    print(
      "float32 top-1 \(floatRight) of 1000, int8 \(int8Right), same label \(agreeing), "
        + String(format: "logits %.2f dB", ratio))
    XCTAssertEqual(floatRight, 890)
    XCTAssertGreaterThanOrEqual(int8Right, floatRight - 2)
    XCTAssertGreaterThanOrEqual(agreeing, 995)
    XCTAssertGreaterThanOrEqual(ratio, 33)
  }

  private func argmax(_ values: [Float]) -> Int { values.indices.max { values[$0] < values[$1] }! }
}
