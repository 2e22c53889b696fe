// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelImport
import TestPlans
import Testing
import ToolSupport

/// How `resnet-quantize` lets photos be prepared, and what it says about that.
extension QuantizeTools.PreprocessingTests {
  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures")
  private static let photos = ["church", "tench"].map {
    fixtures.appendingPathComponent("\($0).jpg").path
  }

  /// The logits that PyTorch computes of Pillow's pixels, by preset: a row for each photo.
  private static func knownLogits() throws -> [String: [[Float]]] {
    try String(contentsOf: fixtures.appendingPathComponent("presets.txt"), encoding: .utf8).split(
      separator: "\n"
    )
    .reduce(into: [:]) { rows, line in
      let words = line.split(separator: " ")
      rows[String(words[0]), default: []].append(words.dropFirst(2).compactMap { Float($0) })
    }
  }

  private func difference(_ found: [[Float]], _ expected: [[Float]]) -> Float {
    let greatest = expected.joined().map(\.magnitude).max() ?? 0
    return zip(found.joined(), expected.joined()).map { ($0 - $1).magnitude }.max()! / greatest
  }

  private func quantize(
    _ plan: String, _ options: [String], of model: String = ShippedModel.checkpoint
  ) throws -> ToolResult {
    try Tool.quantize([model, "--precision", "fp32", "-q", "-o", plan] + options)
  }

  private func logits(_ plan: String) throws -> [[Float]] {
    try vectors("logits", plan: plan, photos: Self.photos, width: 10)
  }

  @Test func presetsGiveTheLogitsOfOtherFrameworks() throws {
    let scratch = try Scratch()
    let known = try Self.knownLogits()
    #expect(known.count == 12)
    for (preset, expected) in known where !["folded", "grey"].contains(preset) {
      let plan = scratch.path("a.plan")
      let result = try quantize(plan, ["--preset", preset])
      #expect(result.errors == "", "all was asked for: \(result.errors)")
      #expect(try difference(logits(plan), expected) < 1e-5, "\(preset)")
    }
  }

  /// The shipped network for one channel, whose weights are the sums of those for three.
  @Test func greyNetworksGiveTheLogitsOfOtherFrameworks() throws {
    let scratch = try Scratch()
    var checkpoint = try Checkpoint(path: ShippedModel.checkpoint)
    let weights = try #require(checkpoint.tensors["conv1.weight"]).values
    let sums = (0..<64 * 49).map { index in
      let first = index / 49 * 147 + index % 49
      return weights[first] + weights[first + 49] + weights[first + 98]
    }
    checkpoint.tensors["conv1.weight"] = Tensor(shape: [64, 1, 7, 7], values: sums)
    try scratch.write(safetensorsFile(checkpoint.named), to: "grey.safetensors")
    _ = try quantize(scratch.path("a.plan"), [], of: scratch.path("grey.safetensors"))
    let expected = try #require(try Self.knownLogits()["grey"])
    #expect(try difference(logits(scratch.path("a.plan")), expected) < 1e-5)
  }

  @Test func partsOfAPresetCanBeSaidOneByOne() throws {
    let scratch = try Scratch()
    let plan = scratch.path("a.plan")
    let known = try Self.knownLogits()
    let cases: [(preset: String, options: [String])] = [
      (
        "keras",
        [
          "--scale", "255", "--mean", "103.939,116.779,123.68", "--std", "1", "--channel-order",
          "bgr", "--interpolation", "nearest", "--fit", "squash",
        ]
      ),
      ("timm", ["--interpolation", "bicubic", "--crop-pct", "0.95"]),
      ("half", ["--mean", "0.5", "--std", "0.5,0.5,0.5"]),
      ("torchvision-v2", ["--resize", "232"]),
      ("huggingface", ["--interpolation", "bicubic", "--centring", "down"]),
    ]
    for (preset, options) in cases {
      _ = try quantize(plan, options)
      #expect(
        try difference(logits(plan), #require(known[preset])) < 1e-5, "\(preset): \(options)")
    }
  }

  @Test func whatNobodySaysIsTold() throws {
    let scratch = try Scratch()
    let plan = scratch.path("a.plan")
    let assumed = "preprocessing: assumed torchvision's"
    #expect(
      try quantize(plan, []).errors == "resnet-quantize: \(assumed) (--preset to change)\n")
    var text = try Tool.quantize("inspect", plan).text
    #expect(text.contains("RGB, shorter side to 256 (bilinear, antialiased), centre 224×224\n"))
    #expect(text.contains("mean 0.485 0.456 0.406, std 0.229 0.224 0.225\n"))
    #expect(text.contains("preprocessing assumed torchvision's\n"))

    let result = try quantize(
      plan, ["--channel-order", "bgr", "--fit", "letterbox", "--interpolation", "lanczos"])
    #expect(
      result.errors.contains(
        "preprocessing: mean and std assumed torchvision's; interpolation, fit as asked for"),
      "\(result.errors)")
    text = try Tool.quantize("inspect", plan).text
    #expect(
      text.contains("longer side to 224 (lanczos, antialiased), black borders to 224×224\n"))
    // Of the network's first channel, blue, are the first mean and std.
    #expect(text.contains("mean 0.406 0.456 0.485, std 0.225 0.224 0.229\n"))
    #expect(text.contains("channel order bgr"))

    let loud = try Tool.quantize(
      ShippedModel.checkpoint, "--precision", "fp32", "--preset", "half", "-o", plan)
    #expect(
      loud.errors.contains("a state dict does not tell activation, pooling, strides, dilation"))
  }

  @Test(arguments: [
    (["--mean", "0.5"], "expected --mean and --std together"),
    (["--mean", "1,2", "--std", "1"], "1,2"),
    (["--mean", "0", "--std", "0"], "expected --std above 0"),
    (["--scale", "255"], "--scale is the unit of --mean and --std"),
    (["--crop-pct", "1.5"], "expected --crop-pct above 0 and at most 1, found 1.5"),
    (["--crop-pct", "0.9", "--resize", "256"], "leave one out"),
    (["--fit", "letterbox", "--resize", "256"], "--fit letterbox cuts nothing off"),
    (["--preset", "alexnet"], "alexnet"),
    (
      ["--input-size", "224", "--resize", "223"], "expected --resize of the input size 224 to 4096"
    ),
  ])
  func contradictionsAreWrongUsage(options: [String], reason: String) throws {
    let result = try Tool.quantize.end(
      [ShippedModel.checkpoint, "--precision", "fp32", "-o", "x.plan"] + options)
    #expect(result.status == 2, "\(result.errors)")
    #expect(result.errors.contains(reason), "\(result.errors)")
  }

  @Test func aMeanThatNoByteStandsForIsRefusedInInt8() throws {
    try Tool.quantize.fails(
      ShippedModel.arguments + ["--mean=-0.5", "--std", "1", "-q", "-o", "x.plan"],
      "expected means of 0 to 1 in int8")
  }

  @Test func chanceIsTold() throws {
    let scratch = try Scratch()
    // Two photos of each of two classes, each in the other's folder.
    for (index, name) in ["church", "tench"].enumerated() {
      let folder = try ShippedModel.classWords()[[0, 4][index]][0]
      for copy in 0..<2 {
        try scratch.copy(Repository.example(name), to: "photos/\(folder)/\(copy).jpg")
      }
    }
    for name in try ShippedModel.classWords().map({ $0[0] }) {
      try scratch.makeFolder("photos/\(name)")
    }
    let arguments = [
      ShippedModel.checkpoint, "--precision", "fp16", "--classes", ShippedModel.classes, "-o",
      scratch.path("a.plan"), "--evaluate",
    ]
    let warning = "float32 is right about 0 of 4 photos, no better than chance"
    #expect(try Tool.quantize(arguments + [scratch.path("photos")]).errors.contains(warning))
    let right = try ShippedModel.labelledExamples()
    #expect(!(try Tool.quantize(arguments + [right.url.path]).errors.contains("chance")))
  }

  // MARK: - check

  /// A .npy file of float64.
  private func array(_ rows: [[Float]], columns: Int) -> Data {
    var header =
      "{'descr': '<f8', 'fortran_order': False, 'shape': (\(rows.count), \(columns)), }"
    header += String(repeating: " ", count: (63 - (10 + header.utf8.count) % 64) % 64) + "\n"
    var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    data += [UInt8(header.utf8.count % 256), UInt8(header.utf8.count / 256)]
    data += Data(header.utf8)
    for value in rows.joined() {
      withUnsafeBytes(of: Double(value).bitPattern.littleEndian) { data.append(contentsOf: $0) }
    }
    return data
  }

  private func photoFolder() throws -> Scratch {
    let scratch = try Scratch()
    for (index, photo) in Self.photos.enumerated() {
      try scratch.copy(photo, to: "p/\(index).jpg")
    }
    return scratch
  }

  @Test(arguments: ["torchvision", "timm", "caffe", "keras", "unit"])
  func checkNamesThePresetOfLogits(preset: String) throws {
    let scratch = try photoFolder()
    let rows = try #require(try Self.knownLogits()[preset])
    try scratch.write(array(rows, columns: 10), to: "logits.npy")
    let text = try Tool.quantize(
      "check", ShippedModel.checkpoint, "--against", scratch.path("logits.npy"), "--photos",
      scratch.path("p")
    ).text
    let last = text.split(separator: "\n").last
    #expect(
      last
        == (preset == "torchvision"
          ? "The logits agree." : "The logits agree with: --preset \(preset)"),
      "\(text)")
  }

  @Test func checkFindsThePreprocessingThatANetworkWasMadeFor() throws {
    let scratch = try photoFolder()
    var tensors = try Checkpoint(path: ShippedModel.checkpoint).named
    let (mean, std): ([Float], [Float]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    let place = try #require(tensors.firstIndex { $0.0 == "conv1.weight" })
    var bias = [Float](repeating: 0, count: 64)
    tensors[place].1 = tensors[place].1.map { index, weight in
      // A kernel has 7 × 7 weights for each of three channels.
      let channel = index / 49 % 3
      bias[index / 147] += weight * (0.5 - mean[channel]) / std[channel]
      return weight * 0.5 / std[channel]
    }
    tensors.append(("conv1.bias", Tensor(shape: [64], values: bias)))
    try scratch.write(safetensorsFile(tensors), to: "folded.safetensors")
    let rows = try #require(try Self.knownLogits()["folded"])
    let logits = Tensor(shape: [2, 10], values: Array(rows.joined()))
    try scratch.write(safetensorsFile([("logits", logits)]), to: "logits.safetensors")
    let text = try Tool.quantize(
      "check", scratch.path("folded.safetensors"), "--against", scratch.path("logits.safetensors"),
      "--photos", scratch.path("p")
    ).text
    #expect(text.hasSuffix("The logits agree with: --preset half\n"), "\(text)")
  }

  @Test func checkCombinesPartsAndSaysIfNothingFits() throws {
    let scratch = try photoFolder()
    // No preset: BGR in 0…1, squashed with Lanczos.
    let options = [
      "--mean", "0", "--std", "1", "--channel-order", "bgr", "--interpolation", "lanczos", "--fit",
      "squash",
    ]
    let plan = scratch.path("a.plan")
    _ = try quantize(plan, options)
    let rows = try logits(plan)
    try scratch.write(array(rows, columns: 10), to: "logits.npy")
    let arguments = [
      "check", ShippedModel.checkpoint, "--against", scratch.path("logits.npy"), "--photos",
      scratch.path("p"),
    ]
    let text = try Tool.quantize(arguments).text
    let last = try #require(text.split(separator: "\n").last)
    #expect(
      last == """
        The logits agree with: --preset unit --channel-order bgr --interpolation lanczos \
        --fit squash --crop-pct 1.0
        """, "\(text)")
    // The options that it names give the same again.
    let named = try #require(last.split(separator: ":").last)
      .split(separator: " ").map { String($0) }
    _ = try quantize(plan, named)
    #expect(try logits(plan) == rows)

    try scratch.write(array(rows.map { $0.reversed() }, columns: 10), to: "logits.npy")
    let refused = try Tool.quantize.end(arguments)
    #expect(refused.status == 1)
    #expect(
      refused.errors.contains("activation, pooling, strides, dilation or eps"), "\(refused.errors)")

    try scratch.write(array([rows[0]], columns: 10), to: "logits.npy")
    try Tool.quantize.fails(
      arguments, "expected 2 rows of 10, one for each photo, the first for")
    try scratch.write(array(rows.map { $0.map { _ in 0.1 } }, columns: 10), to: "logits.npy")
    try Tool.quantize.fails(arguments, "found rows of probabilities")
    try scratch.write(Data("1 2 3\n".utf8), to: "logits.npy")
    try Tool.quantize.fails(arguments, "expected a NumPy array (.npy")
  }
}
