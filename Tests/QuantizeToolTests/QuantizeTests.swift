// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing
import ToolSupport

extension QuantizeTools.QuantizeTests {
  /// Checks one line on stderr, exit status 1 and no plan.
  private func refuses(
    _ arguments: [String], _ reason: String, _ scratch: Scratch,
    at location: SourceLocation = #_sourceLocation
  ) throws {
    let before = try scratch.names()
    try Tool.quantize.fails(
      arguments + ["-q", "-o", scratch.path("refused.plan")], reason, at: location)
    #expect(try scratch.names() == before, sourceLocation: location)
  }

  @Test func damagedAndForeignCheckpoints() throws {
    let scratch = try Scratch()
    let bytes = try Data(path: ShippedModel.checkpoint)
    let cut = try scratch.write(bytes.prefix(bytes.count / 2), to: "cut")
    try refuses([cut, "--precision", "fp32"], "expected", scratch)
    try refuses([Repository.example("tench"), "--precision", "fp32"], "expected", scratch)
    try refuses([scratch.path("missing"), "--precision", "fp32"], "No such file", scratch)
    try refuses(
      [ShippedModel.checkpoint, "--precision", "fp32", "--architecture", "resnet50"], "ResNet50",
      scratch)
  }

  @Test func calibrationFolders() throws {
    let scratch = try Scratch()
    let arguments = [ShippedModel.checkpoint, "--calibration", scratch.path("photos")]
    try refuses(arguments, "expected a folder", scratch)
    try scratch.makeFolder("photos")
    try refuses(arguments, "found none", scratch)
    try scratch.write(Data("no photo".utf8), to: "photos/notes.txt")
    try refuses(arguments, "found none", scratch)
    let photo = try Data(path: Repository.example("church"))
    try scratch.write(photo.prefix(photo.count / 2), to: "photos/cut.jpg")
    try refuses(arguments, "cut.jpg", scratch)
  }

  @Test func classNames() throws {
    let scratch = try Scratch()
    let arguments = [
      ShippedModel.checkpoint, "--precision", "fp32", "--classes", scratch.path("classes.txt"),
    ]
    try refuses(arguments, "classes.txt", scratch)
    try scratch.write(Data("cat\ndog\n".utf8), to: "classes.txt")
    try refuses(arguments, "expected 10 class names", scratch)
    try scratch.write(Data("cat\n\u{1B}[2Jdog\n".utf8), to: "classes.txt")
    try refuses(
      arguments, "line 2: expected text without control characters, found U+001B", scratch)
  }

  @Test func whatCannotBeShownIsEscaped() throws {
    let word = "a\u{1B}[31m\n\u{202E}é"
    for arguments in [
      [word, "--precision", "fp32", "-o", "x.plan"], ["inspect", word],
      ["--random", "resnet18", "--precision", "fp32", "-q", "-o", "no/\(word)"],
      ["check", "x.pth", "--against", word, "--photos", "."],
      [ShippedModel.checkpoint, "--calibration", word, "-o", "x.plan"],
      [ShippedModel.checkpoint, "--precision", "fp32", "--weights", word, "-o", "x.plan"],
      ["--random", word, "-o", "x.plan"], ["--precision", word, "-o", "x.plan"],
      ["x.pth", "--precision", "fp32", "-o", "x.plan", "--\(word)"],
    ] {
      let result = try Tool.quantize.end(arguments)
      #expect(result.status == 1 || result.status == 2)
      #expect(result.errors.filter { $0 == "\n" }.count == 1, "\(result.errors)")
      #expect(result.errors.contains("é") && !result.errors.contains("\u{1B}"), "\(result.errors)")
      #expect(!result.errors.unicodeScalars.contains("\u{202E}"), "\(result.errors)")
    }
  }

  @Test func outputThatCannotBeWritten() throws {
    let scratch = try Scratch()
    try Tool.quantize.fails(
      ["--random", "resnet18", "-q", "-o", scratch.path("missing/random.plan")],
      "cannot write the file: No such file")
    #expect(try scratch.names() == [])
  }

  @Test(arguments: [
    [], ["a.pth"], [ShippedModel.checkpoint, "-o", "x.plan"], ["--random", "resnet18"],
    ["--random", "resnet18", "--input-size", "31", "-o", "x.plan"],
    ["--random", "resnet18", "--method", "median", "-o", "x.plan"],
    ["--random", "resnet50", "--weights", "model", "-o", "x.plan"],
    ["--random", "resnet50", "--bottleneck-stride", "first", "-o", "x.plan"],
    ["a.pth", "--bottleneck-stride", "second", "-o", "x.plan"],
  ])
  func wrongUsageHasStatusTwo(arguments: [String]) throws {
    try Tool.quantize.refuses(arguments, "resnet-quantize: ")
  }

  /// Options of an int8 plan that do not go together, and the reason.
  @Test(
    arguments: [
      (["--allow-unreadable=-1"], "unreadable"), (["--allow-unreadable=51"], "unreadable"),
      (["--allow-unreadable=nan"], "unreadable"),
      (["--report", "r.txt"], "expected --report of a .html or .json file, found r.txt"),
      (["--precision", "fp32", "--report", "r.html"], "--report goes with an int8 plan"),
      (["--max-drop", "0.3"], "--max-drop needs an int8 plan and --evaluate DIR"),
      (["--max-drop", "101", "--evaluate", "d"], "--max-drop of 0 to 100 points, found 101"),
      (["--evaluate", "/nonexistent"], "/nonexistent: expected a folder with photos"),
      (["--accumulate", "fp16", "--precision", "fp32"], "goes with --precision fp16"),
      (["--winograd", "off", "--precision", "fp32"], "one of 'load' and 'plan'"),
      (["--winograd", "load", "--algorithm", "direct"], "go with --algorithm winograd"),
      (["--winograd-limit", "9", "--algorithm", "direct"], "go with --algorithm winograd"),
      (["--for", "pi6"], "'pi6'"),
      (["--for", "n5105", "--precision", "fp16"], "--for n5105 goes with int8"),
      (["--for", "n5105", "--max-drop", "1", "--evaluate", "d"], "--for n5105 goes with int8"),
      (["--memory", "0"], "--memory of 1 to 1048576 MB, found 0"),
      (["--winograd-limit", "5000", "--precision", "fp16"], "of 0 to 4096 MB, found 5000"),
    ] as [([String], String)])
  func optionsThatDoNotGoTogether(options: [String], reason: String) throws {
    let scratch = try Scratch()
    let result = try Tool.quantize.end(
      ShippedModel.arguments + options + ["-o", scratch.path("a.plan")])
    #expect(result.status == (reason.hasPrefix("/") ? 1 : 2) && !result.isCrash)
    #expect(result.errors.contains(reason), "\(result.errors)")
    #expect(try scratch.names() == [])
  }

  @Test func sumsInHalvesNeedPhotos() throws {
    let scratch = try Scratch()
    let result = try Tool.quantize.end([
      ShippedModel.checkpoint, "--accumulate", "fp16", "--precision", "fp16", "-o",
      scratch.path("a.plan"),
    ])
    #expect(result.status != 0 && !result.isCrash)
    #expect(result.errors.contains("--accumulate fp16 needs --calibration DIR"))
    #expect(try scratch.names() == [])
  }

  @Test func equalizingIsRecorded() throws {
    let scratch = try Scratch()
    let plan = scratch.path("equalized.plan")
    try Tool.quantize(ShippedModel.checkpoint, "--precision", "fp32", "--equalize", "-o", plan)
    #expect(try Tool.quantize("inspect", plan).text.contains("equalized channels "))
  }

  @Test func inspectShowsStepsArenaRecipeAndProvenance() throws {
    let text = try Tool.quantize("inspect", ShippedModel.int8()).text
    for part in [
      "ResNet18", "layer4.1.conv2", "arena, ", "224×224", "sha256", "method ", "bias correction",
      "1.814 GMAC",
    ] {
      #expect(text.contains(part))
    }
    #expect(!text.contains("equalized"))
    try Tool.quantize.fails(["inspect", Repository.example("tench")], "not a plan file")
  }

  @Test func helpAndCompletions() throws {
    #expect(try Tool.quantize("--help").text.contains("EXAMPLES"))
    for shell in ["bash", "zsh", "fish"] {
      let script = try Tool.quantize("--generate-completion-script", shell).text
      for option in ["calibration", "allow-unreadable", "moving-average"] {
        #expect(script.contains(option), "\(shell)")
      }
    }
  }

  @Test(.slow, arguments: ["min-max", "auto"])
  func calibratingResNet50TakesLessThan300Megabytes(method: String) throws {
    let scratch = try Scratch()
    let model = try scratch.write(
      safetensorsFile(Checkpoint.random(config: .resnet50, seed: 1).named), to: "model.safetensors")
    let names = try Folder.names(ShippedModel.calibration).filter { $0.hasSuffix(".JPEG") }
    for name in names.prefix(12) {
      try scratch.copy("\(ShippedModel.calibration)/\(name)", to: name)
    }
    let peak = try Tool.quantize.peakBytes([
      model, "--calibration", scratch.url.path, "--method", method,
      "--threads", "2", "-o", scratch.path("resnet50.plan"),
    ])
    #expect(peak < 300_000_000)
    // It has the weights, so anything less was measured too early.
    #expect(peak > 102_000_000)
  }
}
