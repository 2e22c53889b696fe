// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelImport
import XCTest

/// The float32 plan against PyTorch's answers for 100 photos.
final class GoldenTests: XCTestCase {
  private func golden() throws -> (photos: [String], tensors: [String: Tensor]) {
    let base = try SharedData.path("models/resnet18-imagenette.golden.txt")
    let photos = try SharedData.path("data/imagenette/validation")
    let names = try String(contentsOfFile: base, encoding: .utf8).split(whereSeparator: \.isNewline)
    let tensors = try floatTensors(
      SharedData.path("models/resnet18-imagenette.golden.safetensors"))
    return (names.map { "\(photos)/\($0)" }, tensors)
  }

  /// The float tensors of a safetensors file that also holds bytes, which a checkpoint may not.
  private func floatTensors(_ path: String) throws -> [String: Tensor] {
    struct Entry: Decodable {
      var dtype: String
      var shape: [Int]
      var dataOffsets: [Int]

      enum CodingKeys: String, CodingKey {
        case dtype, shape
        case dataOffsets = "data_offsets"
      }
    }
    let file = try Data(contentsOf: URL(fileURLWithPath: path))
    let headerCount = file.withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self)) }
    let entries = try JSONDecoder().decode(
      [String: Entry].self, from: file[8..<8 + headerCount])
    var tensors: [String: Tensor] = [:]
    for (name, entry) in entries where entry.dtype == "F32" {
      let start = 8 + headerCount + entry.dataOffsets[0]
      let bytes = [UInt8](file[start..<8 + headerCount + entry.dataOffsets[1]])
      let values = bytes.withUnsafeBytes { raw in
        (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      }
      tensors[name] = Tensor(shape: entry.shape, values: values)
    }
    return tensors
  }

  func testHalfPrecisionLogits() throws {
    let (photos, tensors) = try golden()
    let expected = try XCTUnwrap(tensors["logits"]).values
    let found = try vectors("logits", plan: ShippedModel.float16(), photos: photos, width: 10)
      .flatMap { $0 }
    XCTAssertEqual(found.count, expected.count)
    let ratio = signalToNoise(of: found, against: expected)
    print("fp16 logits: \(ratio) dB from PyTorch")
    XCTAssertGreaterThan(ratio, 55)
  }

  private func check(_ kind: String, width: Int) throws {
    let (photos, tensors) = try golden()
    let expected = try XCTUnwrap(tensors[kind]).values
    let found = try vectors(kind, plan: ShippedModel.float32(), photos: photos, width: width)
      .flatMap { $0 }
    XCTAssertEqual(found.count, expected.count)
    let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
    print("\(kind): largest difference from PyTorch \(worst)")
    XCTAssertLessThan(worst, 1e-3)
  }

  func testLogits() throws { try check("logits", width: 10) }

  func testFeatures() throws { try check("features", width: 512) }
}
