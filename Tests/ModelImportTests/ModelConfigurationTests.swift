// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

/// What configuration files beside a model say.
@Suite struct ModelConfigurationTests {
  /// Calls `body` with the path of a model beside files of these contents.
  private func withFiles<Result>(
    _ files: [String: String], _ body: (_ model: String) throws -> Result
  ) throws -> Result {
    let folder = NSTemporaryDirectory() + "configuration-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (name, text) in files {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    return try body(folder + "/model.safetensors")
  }

  private func description(_ files: [String: String]) throws -> InputDescription {
    try withFiles(files) { try InputDescription.beside($0) }
  }

  private func error(_ files: [String: String]) throws -> ImportError? {
    do {
      _ = try description(files)
    } catch let error as ImportError { return error }
    return nil
  }

  @Test func nothingBesideSaysNothing() throws {
    #expect(try description([:]) == InputDescription())
    #expect(try InputDescription.beside("model-that-is-nowhere.onnx") == InputDescription())
  }

  @Test func timmIsRead() throws {
    let fields = """
      "mean": [0.5, 0.4, 0.3], "std": [0.25, 0.5, 1], "interpolation": "bicubic", "crop_pct": 0.95,
      "crop_mode": "border", "input_size": [3, 160, 160], "unknown": {"a": [null, true]}
      """
    var expected = InputDescription()
    (expected.mean, expected.std) = ([0.5, 0.4, 0.3], [0.25, 0.5, 1])
    (expected.interpolation, expected.cropFraction) = (.bicubic, 0.95)
    (expected.fit, expected.size) = (.letterbox, 160)
    expected.origins = ["config.json"]
    for text in [
      #"{"architecture": "resnet18", "pretrained_cfg": {\#(fields)}}"#,
      #"{"architecture": "resnet18", \#(fields)}"#,
      #"{"architecture": "resnet18", "global_pool": "avg", "model_args": {"act_layer": "relu"}, \#(fields)}"#,
    ] {
      #expect(try description(["config.json": text]) == expected)
    }
  }

  /// The size before the crop of ConvNeXt's processor is 224 / 0.875 = 256, as transformers computes it.
  @Test func huggingFaceIsRead() throws {
    let config =
      #"{"model_type": "resnet", "hidden_act": "relu", "downsample_in_bottleneck": true}"#
    var found = try description([
      "config.json": config,
      "preprocessor_config.json": """
      {"image_processor_type": "ConvNextImageProcessor", "crop_pct": 0.875, "do_normalize": true,
       "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 3,
       "size": {"shortest_edge": 224}}
      """,
    ])
    #expect(found.mean == [0.485, 0.456, 0.406] && found.std == [0.229, 0.224, 0.225])
    #expect(found.interpolation == .bicubic && found.resizedSide == 256)
    #expect(found.size == 224 && found.cropFraction == 0.875)
    #expect(found.origins == ["preprocessor_config.json"] && found.centring == .down)
    // Squashed from 384 pixels on.
    found = try description([
      "preprocessor_config.json":
        #"{"size": 384, "crop_pct": 1, "do_rescale": false, "image_mean": [51, 102, 153], "image_std": [255, 51, 102]}"#
    ])
    #expect(found.fit == .squash && found.size == 384)
    #expect(found.mean == [0.2, 0.4, 0.6] && found.std == [1, 0.2, 0.4])
    // A rescale factor of 1/127.5 gives values of 0…2.
    found = try description([
      "preprocessor_config.json":
        #"{"rescale_factor": 0.00784313725490196, "image_mean": [1, 1, 1], "image_std": [1, 1, 1], "size": {"height": 96, "width": 96}}"#
    ])
    let mean = try #require(found.mean)
    #expect(abs(mean.x - 0.5) < 1e-12 && found.std == found.mean)
    #expect(found.fit == .squash && found.size == 96 && found.resizedSide == nil)
    found = try description([
      "preprocessor_config.json":
        #"{"do_normalize": false, "do_flip_channel_order": true, "size": {"shortest_edge": 256}, "do_center_crop": true, "crop_size": {"height": 224, "width": 224}, "resample": 2}"#
    ])
    #expect(found.mean == [0, 0, 0] && found.std == [1, 1, 1] && found.channelOrder == .bgr)
    #expect(found.resizedSide == 256 && found.size == 224 && found.interpolation == .bilinear)
  }

  @Test func listsOfStagesAreRead() throws {
    let text = """
      {"stages": [{"type": "convert_rgb"}, {"type": "resize", "size": 440, "interpolation": "lanczos"},
       {"type": "center_crop", "size": [384, 384]}, {"type": "maybe_to_tensor"},
       {"type": "normalize", "mean": [0.1, 0.2, 0.3], "std": 0.5}]}
      """
    let found = try description(["preprocess.json": text])
    #expect(found.mean == [0.1, 0.2, 0.3] && found.std == [0.5, 0.5, 0.5])
    #expect(found.resizedSide == 440 && found.size == 384 && found.interpolation == .lanczos)
    #expect(found.origins == ["preprocess.json"] && found.centring == nil)
    let padded = #"{"test": [{"type": "pad_to_size", "size": [64, 64]}]}"#
    #expect(try description(["preprocess.json": padded]).fit == .letterbox)
    let squashed = #"[{"type": "resize", "size": [64, 64], "interpolation": "bicubic"}]"#
    #expect(try description(["preprocess.json": squashed]).fit == .squash)
  }

  /// Networks that differ from a ResNet without a trace in the tensors are refused by the field's name.
  @Test(arguments: [
    (#"{"model_type": "resnet", "hidden_act": "silu"}"#, "\"relu\" as hidden_act", "\"silu\""),
    (
      #"{"model_type": "resnet", "downsample_in_first_stage": true}"#,
      "false as downsample_in_first_stage", "true"
    ),
    (#"{"architecture": "resnet18", "global_pool": "max"}"#, "\"avg\" as global_pool", "\"max\""),
    (
      #"{"architecture": "resnet18", "model_args": {"act_layer": "silu"}}"#, "as act_layer",
      "\"silu\""
    ),
    (
      #"{"architecture": "resnet18", "model_args": {"output_stride": 12}}"#,
      "8, 16 or 32 as output_stride", "12"
    ),
    (
      #"{"architecture": "resnet18", "model_args": {"aa_layer": "median"}}"#, "as aa_layer",
      "\"median\""
    ),
    (#"{"architecture": "resnet18", "mean": [1, 2]}"#, "3 numbers as mean", "a list of 2"),
    (#"{"architecture": "resnet18", "mean": "0.5"}"#, "3 numbers as mean", "\"0.5\""),
    (#"{"architecture": "resnet18", "std": [1, 0, 1]}"#, "3 numbers above 0 as std", "a list of 3"),
    (#"{"architecture": "resnet18", "crop_pct": 7}"#, "as crop_pct", "7"),
    (
      #"{"architecture": "resnet18", "interpolation": "hamming"}"#, "as interpolation",
      "\"hamming\""
    ),
    (#"{"architecture": "resnet18", "input_size": [3, 64, 0]}"#, "as input_size", "a list of 3"),
  ])
  func otherNetworksAndTypesAreRefused(text: String, expected: String, found: String) throws {
    expectError(
      try error(["config.json": text]), "malformed", "config.json", expected, "found \(found)")
  }

  @Test(arguments: [
    #"{"size": {"height": 64, "width": 32}}"#, #"{"size": -1}"#, #"{"size": 1e300}"#,
    #"{"resample": 9}"#, #"{"rescale_factor": 0}"#, #"{"image_std": [0, 1, 1]}"#,
  ])
  func otherProcessorsAreRefused(text: String) throws {
    expectError(
      try error(["preprocessor_config.json": text]), "malformed", "preprocessor_config.json")
  }

  @Test func otherStagesAreRefused() throws {
    for text in [#"{"stages": [{"type": "rotate"}]}"#, #"{"stages": 1}"#, "{}"] {
      expectError(try error(["preprocess.json": text]), "malformed", "preprocess.json")
    }
  }

  @Test func hostileTextsAreRefused() throws {
    let deep = String(repeating: "[", count: 500_000)
    let nested = String(repeating: #"{"a":"#, count: 100_000)
    for text in [
      "{", "nan", "{\"a\": NaN}", "\u{0}", "{\"a\": 1e999}", "{\"a\": 01}", "{\"a\": 1.}",
      "{\"a\": -}",
      "{\"a\": +1}", "{\"a\": 1e}", "[1,]", "{\"a\" 1}", "{a: 1}", "{} 1", "{\"a\": \"\\x\"}",
      "{\"a\": \"", "\"",
      "tru", " ",
    ] {
      expectError(try error(["config.json": text]), "malformed", "config.json, byte")
    }
    for text in [deep, nested] {
      expectError(try error(["config.json": text]), "limitExceeded", "at most 64 nested values")
    }
    let long = String(repeating: " ", count: (1 << 20) + 1)
    expectError(try error(["config.json": long]), "limitExceeded", "1048576 bytes")
  }

  @Test func textsOfJSONAreRead() throws {
    let text = """
      \u{feff} {"archi\\u0074ecture" : "resnet\\ud83d\\ude00",\r\n\t"mean":[-0.5E-1,12.5e+1 , 0], "std": 1,
       "std": 2, "a": [[], {}, [{"b": [true, false, null]}], "\\"\\\\\\/\\n"], "crop_pct": 1.0}
      """
    let found = try description(["config.json": text])
    #expect(found.mean == [-0.05, 125, 0] && found.cropFraction == 1)
    // What Foundation takes of a key that is there twice.
    #expect(found.std == [1, 1, 1])
  }

  /// A file of another model says nothing of this one, and a directory is none.
  @Test func filesOfOtherModelsAreNotLookedAt() throws {
    #expect(
      try description([
        "config.json": #"{"model_type": "bert"}"#,
        "preprocessor_config.json": #"{"image_mean": [0.5, 0.5, 0.5]}"#,
      ]) == InputDescription())
    try withFiles([:]) { path in
      let place = path.dropLast("model.safetensors".count) + "config.json"
      try FileManager.default.createDirectory(
        atPath: String(place), withIntermediateDirectories: false)
      #expect(try InputDescription.beside(path) == InputDescription())
    }
  }

  @Test func networkTakesThemOver() throws {
    let config = try ResNetConfig(
      block: .bottleneck, blockCounts: [1, 1], channels: [1, 1], outputDimension: 2)
    let file = safetensorsFile(Checkpoint.example(config).named)
    let network = try withFiles([
      "config.json": #"{"model_type": "resnet", "downsample_in_bottleneck": true}"#,
      "preprocessor_config.json": #"{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"#,
    ]) { path in
      try Data(file).write(to: URL(fileURLWithPath: path))
      return try Network(contentsOf: path)
    }
    #expect(network.config?.bottleneckStride == .first)
    #expect(network.source.input.mean == [0.5, 0.5, 0.5])
    for (fields, stride, antiAliasing) in [
      (#""architecture": "resnet50", "output_stride": 32, "aa_layer": """#, nil, nil),
      (#""architecture": "resnetblur50", "model_args": {"output_stride": 8}"#, 8, .blur),
      (#""architecture": "seresnextaa101d_32x8d""#, nil, .average),
      (#""architecture": "resnet50", "pretrained_cfg": {"aa_layer": "avgpool"}"#, nil, .average),
    ] as [(String, Int?, ResNetConfig.AntiAliasing?)] {
      let network = try withFiles(["config.json": "{\(fields)}"]) { path in
        let deep = try ResNetConfig(
          block: .bottleneck, blockCounts: [1, 1, 1, 1], channels: [1, 2, 3, 4], outputDimension: 2)
        try Data(safetensorsFile(Checkpoint.example(deep).named)).write(
          to: URL(fileURLWithPath: path))
        return try Network(contentsOf: path)
      }
      #expect(network.config?.outputStride == stride)
      #expect(network.config?.antiAliasing == antiAliasing)
    }
    let noted = try withFiles(["config.json": "{}"]) { path in
      try Data(file).write(to: URL(fileURLWithPath: path))
      return try Network(contentsOf: path)
    }
    #expect(noted.source.notes.count == 1 && noted.source.input == InputDescription())
  }
}
