// SPDX-License-Identifier: Apache-2.0

package import Foundation
import Testing

/// A plan that the built `resnet-quantize` makes once.
package struct MadePlan: Sendable {
  private let path: Result<String, any Error>

  /// Beside the tools: the test process has no last moment in which to remove it.
  fileprivate init(_ name: String, _ arguments: [String]) {
    path = Result {
      let path = Tool.products.appendingPathComponent(name).path
      try Tool.quantize(arguments + ["-q", "-o", path])
      return path
    }
  }

  /// Its path.
  package func callAsFunction() throws -> String { try path.get() }
}

/// Plans with random weights and 1000 classes without names.
package enum RandomPlan {
  package static let full = MadePlan("random-resnet18.plan", ["--random", "resnet18"])

  /// One that `ref` runs in a moment.
  package static let small = MadePlan(
    "small-resnet18.plan", ["--random", "resnet18", "--input-size", "64"])
}

/// The shipped checkpoint, what belongs to it, and plans of it.
package enum ShippedModel {
  package static let folder = Repository.root.appendingPathComponent("Models")
  package static let checkpoint =
    folder
    .appendingPathComponent("resnet18-imagenette.safetensors").path
  package static let calibration = folder.appendingPathComponent("calibration").path
  package static let classes = folder.appendingPathComponent("classes.txt").path

  /// The words that quantize the checkpoint as `make demo` does.
  package static let arguments = [checkpoint, "--calibration", calibration, "--classes", classes]

  package static let int8 = MadePlan("shipped-int8.plan", arguments)
  package static let fast = MadePlan("shipped-fast.plan", arguments + ["--fast"])
  /// Maps and features, without logits.
  package static let backbone = MadePlan(
    "shipped-backbone.plan",
    [checkpoint, "--calibration", calibration, "--outputs", "layer2,layer3,features"])
  package static let float32 = MadePlan("shipped-fp32.plan", arguments + ["--precision", "fp32"])
  package static let directFloat32 = MadePlan(
    "shipped-fp32-direct.plan", arguments + ["--precision", "fp32", "--algorithm", "direct"])
  package static let float16 = MadePlan("shipped-fp16.plan", arguments + ["--precision", "fp16"])
  package static let halfSums = MadePlan(
    "shipped-fp16-sums.plan", arguments + ["--precision", "fp16", "--accumulate", "fp16"])

  /// The words of each class: a synset and a name.
  package static func classWords() throws -> [[Substring]] {
    try String(contentsOfFile: classes, encoding: .utf8).split(separator: "\n")
      .map { $0.split(separator: " ") }
  }

  /// The example photos in folders named after their classes.
  package static func labelledExamples() throws -> Scratch {
    let examples = try Scratch()
    for words in try classWords() {
      let photo = words.dropFirst().joined(separator: "-").lowercased()
      try examples.copy(Repository.example(photo), to: "\(words[0])/photo.jpg")
    }
    return examples
  }
}

/// The folder beside the repository with what is too large to ship: golden answers and photos.
package enum SharedData {
  package static let root = Repository.root.deletingLastPathComponent()
    .appendingPathComponent("shared")

  /// The path of an entry.
  package static func path(_ name: String) -> String { root.appendingPathComponent(name).path }

  /// The validation photos, sorted by path.
  package static func validationPhotos() throws -> [String] {
    let folder = path("data/imagenette/validation")
    return try FileManager.default.subpathsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".JPEG") }.sorted().map { "\(folder)/\($0)" }
  }
}

/// Runs `resnet-run` on photos and returns its vectors, `width` numbers for each photo.
package func vectors(
  _ kind: String, plan: String, photos: [String], width: Int, options: [String] = []
) throws -> [[Float]] {
  let scratch = try Scratch()
  try Tool.run(
    [plan] + photos + ["--\(kind)", scratch.path("vectors"), "--top", "1"] + options)
  let values = try scratch.data("vectors").floats
  #expect(values.count == photos.count * width)
  return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
}

/// The signal-to-noise ratio in dB.
package func signalToNoise(of found: [Float], against expected: [Float]) -> Double {
  let signal = expected.reduce(0) { $0 + Double($1) * Double($1) }
  let noise = zip(found, expected).reduce(0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
  return 10 * log10(signal / noise)
}
