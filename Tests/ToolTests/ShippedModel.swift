// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

/// Plans of the shipped checkpoint, each made once by the built `resnet-quantize`.
enum ShippedModel {
  static let folder = Repository.root.appendingPathComponent("Models")

  private static let int8Plan = Result { try make("shipped-int8.plan", []) }
  private static let neonPlan = Result { try make("shipped-neon.plan", ["--target", "neon"]) }
  private static let halfPlan = Result { try make("shipped-fp16.plan", ["--precision", "fp16"]) }
  private static let halfSumsPlan = Result {
    try make("shipped-fp16-sums.plan", ["--precision", "fp16", "--sums", "fp16"])
  }
  private static let floatPlan = Result { try make("shipped-fp32.plan", ["--precision", "fp32"]) }

  static func int8() throws -> String { try int8Plan.get() }
  static func neon() throws -> String { try neonPlan.get() }
  static func float32() throws -> String { try floatPlan.get() }
  static func float16() throws -> String { try halfPlan.get() }
  static func halfSums() throws -> String { try halfSumsPlan.get() }

  /// The arguments that quantize the checkpoint as `make demo` does.
  static func arguments(output: String) -> [String] {
    [
      folder.appendingPathComponent("resnet18-imagenette.safetensors").path,
      "--calibration", folder.appendingPathComponent("calibration").path,
      "--classes", folder.appendingPathComponent("classes.txt").path, "-o", output,
    ]
  }

  /// The example photos in folders named after their classes.
  static func labelledExamples() throws -> Scratch {
    let examples = try Scratch()
    let classes = try String(
      contentsOf: folder.appendingPathComponent("classes.txt"), encoding: .utf8
    ).split(separator: "\n")
    for name in classes {
      let words = name.split(separator: " ")
      let folder = examples.path(String(words[0]))
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let photo = words.dropFirst().joined(separator: "-").lowercased()
      try FileManager.default.copyItem(
        atPath: Repository.example(photo), toPath: "\(folder)/photo.jpg")
    }
    return examples
  }

  private static func make(_ name: String, _ options: [String]) throws -> String {
    let path = Tool.products.appendingPathComponent(name).path
    let result = try Tool.quantize.run(arguments(output: path) + options)
    guard result.status == 0 else { throw ToolFailure(errors: result.errors) }
    return path
  }
}

/// The folder beside the repository with what is too large to ship: golden answers and photos.
enum SharedData {
  static let root = Repository.root.deletingLastPathComponent().appendingPathComponent("shared")

  /// The path of an entry, or a skipped test that says what is missing.
  static func path(_ name: String) throws -> String {
    let path = root.appendingPathComponent(name).path
    guard FileManager.default.fileExists(atPath: path) else {
      throw XCTSkip("needs ../shared/\(name), which is not part of the repository")
    }
    return path
  }

  /// The validation photos, sorted by path.
  static func validationPhotos() throws -> [String] {
    let folder = try path("data/imagenette/validation")
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return names.filter { $0.hasSuffix(".JPEG") }.sorted().map { "\(folder)/\($0)" }
  }
}

/// Runs `resnet-run` on photos and returns its vectors, `width` numbers for each photo.
func vectors(
  _ kind: String, plan: String, photos: [String], width: Int, options: [String] = []
) throws -> [[Float]] {
  let scratch = try Scratch()
  let file = scratch.path("vectors.f32")
  let result = try Tool.run.run([plan] + photos + ["--\(kind)", file, "--top", "1"] + options)
  XCTAssertEqual(result.status, 0, result.errors)
  let data = try Data(contentsOf: URL(fileURLWithPath: file))
  XCTAssertEqual(data.count, photos.count * width * 4)
  let values = data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
}

/// The signal-to-noise ratio in dB.
func signalToNoise(of found: [Float], against expected: [Float]) -> Double {
  let signal = expected.reduce(0) { $0 + Double($1) * Double($1) }
  let noise = zip(found, expected).reduce(0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
  return 10 * log10(signal / noise)
}
