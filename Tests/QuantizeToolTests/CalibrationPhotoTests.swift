// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// Which photos `resnet-quantize` takes, and that nothing but their contents matters.
extension QuantizeTools.CalibrationPhotoTests {
  /// The plan of the first shipped calibration photos, without any choice among methods.
  private func plan(_ folder: String, _ output: String) throws -> Data {
    try Tool.quantize(
      ShippedModel.checkpoint, "--calibration", folder, "--method", "min-max", "-q", "-o", output)
    return try Data(path: output)
  }

  /// By the choice among all methods: the plan that `make demo` makes.
  @Test func sameBytesForAnyThreadCountAndFileNames() throws {
    let scratch = try Scratch()
    for (index, name) in try Folder.names(ShippedModel.calibration).enumerated() {
      try scratch.copy(
        "\(ShippedModel.calibration)/\(name)", to: "photos/\(index % 2)/\(index * 37 % 101).jpg")
    }
    var arguments = ShippedModel.arguments + ["--threads", "1", "-o", scratch.path("again.plan")]
    arguments[2] = scratch.path("photos")
    try Tool.quantize(arguments)
    let isSame = try scratch.data("again.plan") == Data(path: ShippedModel.int8())
    #expect(isSame)
  }

  /// The one method that depends on an order takes that of the contents.
  @Test func theMovingAverageDoesNotSeeNames() throws {
    let scratch = try Scratch()
    let names = try Folder.names(ShippedModel.calibration).prefix(8)
    let plans = try [names.reversed(), Array(names)].map { names in
      let folder = scratch.path("\(names[0]).photos")
      for (index, name) in names.enumerated() {
        try scratch.copy(
          "\(ShippedModel.calibration)/\(name)", to: "\(names[0]).photos/\(index).jpg")
      }
      try Tool.quantize(
        ShippedModel.checkpoint, "--calibration", folder, "--input-size", "64", "--method",
        "moving-average", "-q", "-o", scratch.path("a.plan"))
      return try scratch.data("a.plan")
    }
    #expect(plans[0] == plans[1])
  }

  @Test func unreadablePhotosAreListedAndLeftOutUpToAFraction() throws {
    let scratch = try Scratch()
    let folder = scratch.path("photos")
    let names = try Folder.names(ShippedModel.calibration).filter { $0.hasSuffix(".JPEG") }
    for (index, name) in names.prefix(20).enumerated() {
      try scratch.copy("\(ShippedModel.calibration)/\(name)", to: "photos/\(index).jpg")
    }
    let whole = try plan(folder, scratch.path("whole.plan"))
    let photo = try scratch.data("photos/0.jpg")
    try scratch.write(photo.prefix(photo.count / 2), to: "photos/cut.jpg")
    let arguments = [
      ShippedModel.checkpoint, "--calibration", folder, "--method", "min-max", "-q",
    ]

    // One of 21 is 4.8 %.
    let result = try Tool.quantize(arguments + ["-o", scratch.path("some.plan")])
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 2, "\(result.errors)")
    #expect(lines[0].contains("left out \(folder)/cut.jpg: "), "\(result.errors)")
    #expect(lines[1].contains("preprocessing: assumed torchvision's"), "\(result.errors)")
    let isSame = try scratch.data("some.plan") == whole
    #expect(isSame, "what is left out changes the plan")

    for (allowed, isRefused) in [("0", true), ("4.7", true), ("4.8", false)] {
      let output = scratch.path("\(allowed).plan")
      let words = arguments + ["--allow-unreadable", allowed, "-o", output]
      if isRefused {
        let result = try Tool.quantize.fails(words, "found 1 of 21, for example")
        #expect(result.errors.contains("cut.jpg"), "\(result.errors)")
      } else {
        try Tool.quantize(words)
      }
      #expect(FileManager.default.fileExists(atPath: output) == !isRefused)
    }
  }

  @Test func namesThatAreNoUTF8AreTold() throws {
    let scratch = try Scratch()
    for name in ["church", "tench", "parachute"] {
      try scratch.copy(Repository.example(name), to: "photos/\(name).jpg")
    }
    let shell = Tool(url: URL(fileURLWithPath: "/bin/bash"))
    try shell("-c", "cd \(scratch.path("photos")); mv tench.jpg $'\\xe9.jpg'; mkdir $'Fotos\\xe4'")
    let result = try Tool.quantize(
      ShippedModel.checkpoint, "--calibration", scratch.path("photos"), "--allow-unreadable", "50",
      "--method", "min-max", "--input-size", "32", "-q", "-o", scratch.path("a.plan"))
    let told = result.errors.split(separator: "\n").filter { $0.contains("left out") }
    #expect(told.count == 2, "\(result.errors)")
    for line in told { #expect(line.hasSuffix("; names are expected in UTF-8")) }
  }
}
