// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

extension BoardTools.OutputFileTests {
  private var photos: [String] { ["tench", "church"].map(Repository.example) }

  /// The shape and the bytes of a file of NumPy's.
  private func array(_ file: Data) throws -> (header: String, values: Data) {
    #expect(file.starts(with: [0x93] + Array("NUMPY".utf8) + [1, 0]))
    let count = Int(file[8]) + Int(file[9]) << 8
    #expect((10 + count) % 64 == 0 && file[9 + count] == 0x0A)
    return (String(decoding: file[10..<9 + count], as: UTF8.self), file.dropFirst(10 + count))
  }

  @Test func mapsOfAllImages() throws {
    let scratch = try Scratch()
    let plan = try ShippedModel.backbone()
    let result = try Tool.run(
      [plan] + photos + ["--output", "layer2=" + scratch.path("a"), "--json"])
    #expect(result.lines.count == 2 && !result.text.contains("\"top\""))
    let both = try array(scratch.data("a"))
    #expect(
      both.header.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 128, 28, 28), }")
    )
    #expect(both.values.count == 2 * 128 * 28 * 28 * 4)
    var all = Data()
    for photo in photos {
      try Tool.run(plan, photo, "--output", "layer2=" + scratch.path("b"))
      all += try array(scratch.data("b")).values
    }
    #expect(both.values == all)
    #expect(both.values.prefix(100_352) != both.values.suffix(100_352))
  }

  @Test func everyOutputInAFolder() throws {
    let scratch = try Scratch()
    let plan = try ShippedModel.backbone()
    let folder = scratch.path("maps")
    try Tool.run(plan, photos[0], "--output-dir", folder, "--output-layout", "nhwc")
    #expect(try Folder.names(folder) == ["features.npy", "layer2.npy", "layer3.npy"])
    let (header, values) = try array(Data(path: folder + "/layer3.npy"))
    #expect(header.contains("(1, 14, 14, 256)") && values.count == 14 * 14 * 256 * 4)
    let features = try array(Data(path: folder + "/features.npy"))
    #expect(features.header.contains("(1, 512)"))
    try Tool.run(plan, photos[0], "--features", scratch.path("f"))
    #expect(try features.values == scratch.data("f"))
  }

  @Test func bytesAndTheirScale() throws {
    let scratch = try Scratch()
    let plan = try ShippedModel.backbone()
    try Tool.run(
      plan, photos[0], "--output", "layer3=" + scratch.path("u"), "--output-format", "uint8")
    try Tool.run(plan, photos[0], "--output", "layer3=" + scratch.path("f"))
    let bytes = try array(scratch.data("u"))
    #expect(bytes.header.contains("'|u1'") && bytes.values.count == 256 * 14 * 14)
    let line = try #require(
      Tool.quantize("inspect", plan).lines.first { $0.contains("layer3: 256 × 14 × 14, uint8") })
    let words = line.split(whereSeparator: { " ,".contains($0) })
    let scale = try #require(Float(words[words.firstIndex(of: "scale")! + 1]))
    #expect(words.last == "0")
    for (byte, value) in zip(bytes.values, try array(scratch.data("f")).values.floats) {
      #expect(abs(Float(byte) * scale - value) <= 0.501 * scale)
    }
  }

  @Test func whatThePlanLacksIsRefused() throws {
    let scratch = try Scratch()
    let plan = try ShippedModel.backbone()
    func fails(_ arguments: [String], _ reason: String) throws {
      try Tool.run.fails([plan] + arguments, reason)
      #expect(try scratch.names() == [])
    }
    let file = scratch.path("x")
    try fails([photos[0]], "expected a plan with logits for classes; --output")
    try fails([photos[0]], "found one with layer2, layer3, features")
    try fails([photos[0], "--features", file, "--top", "3"], "with logits for --top")
    try fails([photos[0], "--logits", file], "with logits")
    try fails(["--evaluate", scratch.url.path], "with logits for --evaluate")
    try fails(["--raw", "8x8:rgb24", "-"], "with logits for --raw")
    try fails(
      [photos[0], "--output", "layer4=" + file],
      "expected an output of the plan, layer2, layer3, features, found layer4")
    try fails(
      [photos[0], "--output", "features=" + file, "--output-format", "uint8"],
      "expected --output-format float32 for features")
    try Tool.run.refuses([plan, photos[0], "--output", "layer2"], "NAME=FILE.npy")
    try Tool.run.refuses([plan, photos[0], "--output-format", "uint8"], "only with --output")
    try Tool.run.refuses(
      [plan, photos[0], "--output", "layer2=" + file, "--output", "layer3=" + file],
      "different files")
    try Tool.run.refuses([plan, photos[0], "--output", "layer2=" + plan], "different files")
    // A photo that cannot be read: no file.
    let cut = try scratch.write(Data("no photo".utf8), to: "cut.jpg")
    let result = try Tool.run.end([plan, photos[0], cut, "--output", "layer2=" + file])
    #expect(result.status == 1)
    #expect(try scratch.names() == ["cut.jpg"])
  }
}
