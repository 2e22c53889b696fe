// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

/// What training loops put around and before the weights, and what they call the classifier.
@Suite struct WrapperTests {
  private let config: ResNetConfig

  init() throws {
    config = try ResNetConfig(
      block: .basic, blockCounts: [1, 1], channels: [1, 2], outputDimension: 3)
  }

  /// A checkpoint of which there are several; they differ in a bias.
  private func checkpoint(_ number: Int) -> Checkpoint {
    var checkpoint = Checkpoint.example(config)
    checkpoint.tensors["fc.bias"] = Tensor(shape: [3], values: [0.5, Float(number), -1])
    return checkpoint
  }

  /// A network's tensors by torchvision's names, renamed.
  private func network(_ number: Int = 1, _ rename: (String) -> String = { $0 }) -> NamedTensors {
    checkpoint(number).named.map { (rename($0.name), $0.tensor) }
  }

  private func zeros(_ shape: Int...) -> Tensor {
    Tensor(shape: shape, values: [Float](repeating: 0, count: shape.reduce(1, *)))
  }

  private func expectSame(_ found: Network, _ number: Int = 1) throws {
    #expect(try found.layers == Network(checkpoint(number)).layers)
  }

  /// A checkpoint with a network at each path of keys, seeded by its place, and then what `others` sets.
  private func file(_ paths: [String], _ others: Pickle = .ops("")) throws -> [UInt8] {
    var object = Pickle.ops("}(")
    var all: NamedTensors = []
    for (place, path) in paths.enumerated() {
      let tensors = network(place)
      var keys = path.split(separator: ".").map(String.init)
      var dictionary = Pickle.stateDict(tensors, firstKey: all.count)
      while keys.count > 1 { dictionary = .dictionary([(keys.removeLast(), dictionary)]) }
      object = object + .text(keys[0]) + dictionary
      all += tensors
    }
    return try torchArchive(pickle(object + others + .ops("u")), storages(all, .float32))
  }

  @Test(
    arguments: [
      (["state_dict"], "state_dict", []), (["params"], "params", []),
      (["a.b.c.d"], "a.b.c.d", []), (["model_state", "best"], "model_state", ["best"]),
      (["model", "model_ema"], "model_ema", ["model"]),
      (["state_dict", "state_dict_ema"], "state_dict_ema", ["state_dict"]),
      (["ema.module", "model"], "ema.module", ["model"]),
    ] as [([String], String, [String])])
  func bestCopyIsTaken(paths: [String], taken: String, passedOver: [String]) throws {
    let found = try loadNetwork(file(paths, .text("epoch") + .int(3)))
    #expect(found.source.wrapper == taken)
    #expect(found.source.passedOver == passedOver)
    try expectSame(found, #require(paths.firstIndex(of: taken)))
  }

  @Test func copyCanBeAskedFor() throws {
    let bytes = try file(["model_ema", "model", "student.net"])
    try expectSame(loadNetwork(bytes, weights: "model"), 1)
    try expectSame(loadNetwork(bytes, weights: "student"), 2)
    try expectSame(loadNetwork(bytes, weights: "student.net"), 2)
    #expect(throws: ImportError.noSuchWeights(name: "teacher")) {
      try loadNetwork(bytes, weights: "teacher")
    }
  }

  @Test func equalCopiesMustBeChosenFrom() throws {
    let bytes = try file(["teacher", "student"])
    #expect(throws: ImportError.severalNetworks(names: ["student", "teacher"])) {
      try loadNetwork(bytes)
    }
    let both = network { "student." + $0 } + network(2) { "teacher." + $0 }
    #expect(throws: ImportError.severalNetworks(names: ["student", "teacher"])) {
      try loadNetwork(safetensorsFile(both))
    }
    try expectSame(loadNetwork(safetensorsFile(both), weights: "teacher"), 2)
  }

  /// Names that are made to be compared with each other.
  @Test func hostileNamesAreBounded() {
    let many = (0..<5000).map { ("x\($0).layer1.0.conv1.weight", zeros(1)) }
    expectError(errorLoadingNetwork(safetensorsFile(many)), "limitExceeded", "256 networks")
    let heads = (0..<5000).map { ("h\($0).weight", zeros(1, 2)) }
    let body = network().filter { !$0.name.hasPrefix("fc.") }
    expectError(
      errorLoadingNetwork(safetensorsFile(body + heads)), "noClassifier", "several: \"h0\"")
    let deep = String(repeating: "a.", count: 450)
    #expect(throws: Never.self) { try loadNetwork(safetensorsFile(network { deep + $0 })) }
    let deeper = safetensorsFile(network { deep + deep + $0 })
    expectError(errorLoadingNetwork(deeper), "limitExceeded", "at most 1024 bytes")
  }

  /// Objects of any class, sets, dates and long integers beside the weights stop nothing.
  @Test func whatLiesBesideTheWeightsIsInert() throws {
    let instance =
      Pickle.global("argparse", "Namespace") + .ops(")") + .code(0x81)
      + .plain(["lr": .int(1)]) + .ops("b")
    let counts =
      Pickle.call("os", "system", .text("true")) + .ops("(") + .int(1) + .int(2) + .ops("u")
    let history =
      Pickle.global("mmengine.logging", "HistoryBuffer") + .ops(")}") + .code(0x92)
      + .ops("(") + .int(1) + .ops("e")
    let date = Pickle.call("datetime", "date", .code(0x43, [2, 7, 231]))
    let set = Pickle.code(0x8f) + .ops("(") + .int(1) + .code(0x90)
    let frozen = Pickle.ops("(") + .int(1) + .code(0x91)
    let long = Pickle.code(0x8a, [9] + [UInt8](repeating: 0x7f, count: 9))
    let lone = Pickle.code(0x8c, [3, 0xed, 0xb0, 0x80])
    let called = Pickle.call("functools", "partial") + .ops(")R")
    let identified = Pickle.text("anything") + .ops("Q")
    let popped = Pickle.int(1) + .int(2) + .ops("0")
    var others = Pickle.ops("")
    let objects = [
      instance, counts, history, date, set, frozen, long, lone, called, identified, popped,
      .global("torch", "float32"), .call("torch._utils", "_rebuild_tensor_v2", .none),
    ]
    for (place, object) in objects.enumerated() { others = others + .text("\(place)") + object }
    try expectSame(loadNetwork(file(["model"], others)), 0)
  }

  @Test func objectsAreNoWeights() throws {
    let model = Pickle.global("torch.nn.modules.container", "Sequential") + .ops(")") + .code(0x81)
    for object in [model, .plain(["model": model])] {
      expectError(
        errorLoading(try torchArchive(pickle(object))), "unsupportedFormat",
        "torch.nn.modules.container.Sequential", "save its state_dict() instead")
    }
    // A tensor that was given a state, or of another kind, is none.
    for tensor in [
      Pickle.tensor([3], key: "0") + .ops("}b"),
      .call("torch._utils", "_rebuild_qtensor", .tensor([3], key: "0")),
    ] {
      let entries = network().enumerated().map { place, named in
        let plain = Pickle.tensor(named.tensor.shape, key: "\(place)")
        return (named.name, named.name == "bn1.bias" ? tensor : plain)
      }
      let bytes = try torchArchive(pickle(.dictionary(entries)), storages(network(), .float32))
      expectError(errorLoadingNetwork(bytes), "unexpectedEntry", "bn1.bias", "expected a tensor")
    }
  }

  private static let children = [
    "conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "fc": "classifier",
  ]

  @Test(arguments: [
    "module.", "ema_model.", "module.backbone.", "_orig_mod.module.", "any.thing.", "resnet.",
  ])
  func prefixesAreRemoved(prefix: String) throws {
    let found = try loadNetwork(safetensorsFile(network { prefix + $0 }))
    #expect(found.source.strippedPrefix == prefix)
    try expectSame(found)
  }

  @Test(arguments: ["", "0.", "features."])
  func childrenOfASequenceAreFound(prefix: String) throws {
    let tensors = network { name in
      let part = String(name.prefix { $0 != "." })
      let rest = Self.children[part, default: part] + name.dropFirst(part.count)
      return (part == "fc" ? "" : prefix) + rest
    }
    let found = try loadNetwork(safetensorsFile(tensors))
    try expectSame(found)
    #expect(found.source.notes == ["the classifier is \"classifier\""])
    let zeroth = network { name in
      let part = String(name.prefix { $0 != "." })
      return ["conv1": "layer0.0", "bn1": "layer0.1"][part, default: part]
        + name.dropFirst(part.count)
    }
    try expectSame(loadNetwork(safetensorsFile(zeroth)))
  }

  @Test(arguments: ["fc.1", "classifier", "head", "last_linear", "head.fc", "my.own.layer"])
  func headMayHaveAnyName(head: String) throws {
    for (outer, prefix) in [("", ""), ("", "backbone."), ("model_ema.", "backbone.")] {
      let tensors = network { name in
        outer + (name.hasPrefix("fc.") ? head + name.dropFirst(2) : prefix + name)
      }
      try expectSame(loadNetwork(safetensorsFile(tensors)))
    }
  }

  @Test func headMayHaveNoBias() throws {
    let found = try loadNetwork(safetensorsFile(network().filter { $0.name != "fc.bias" }))
    guard case .linear(let linear) = found.layers.last?.kind else {
      Issue.record("no linear layer")
      return
    }
    #expect(linear.bias == [0, 0, 0])
    #expect(found.source.notes == ["the classifier has no bias"])
  }

  @Test func headMayBeMissing() throws {
    let body = network { "model.backbone." + $0 }.filter { !$0.name.contains(".fc.") }
    let expected = try Network(checkpoint(1))
    func expectFeatures(_ tensors: NamedTensors, _ weights: String? = nil) throws {
      let found = try loadNetwork(safetensorsFile(tensors), weights: weights)
      #expect(found.layers == expected.layers.filter { $0.name != "fc" })
      #expect(found.outputs == expected.outputs.filter { $0.role == .features })
      #expect(found.source.notes[0] == "there is no classifier: the network gives features only")
    }
    try expectFeatures(body)
    // Of a policy that reads the features, as LeRobot's ACT.
    let policy =
      body + [
        ("model.encoder.a.weight", zeros(3, 2)), ("model.encoder.b.weight", zeros(4, 2)),
        ("model.encoder_proj.weight", zeros(2, 2, 1, 1)),
      ]
    try expectFeatures(policy, "model.backbone")
    expectError(errorLoadingNetwork(safetensorsFile(policy)), "noClassifier", "several")
    // One without doubt is taken, also if it is beside the network that was asked for.
    let one = body + [("head.weight", zeros(3, 2))]
    #expect(try loadNetwork(safetensorsFile(one), weights: "model.backbone").outputs.count == 2)
  }

  @Test func otherHeadsAreRefusedByWhatTheyAre() throws {
    let body = network().filter { !$0.name.hasPrefix("fc.") }
    let heads: [(NamedTensors, String)] = [
      (
        [("fc.0.weight", zeros(4, 2)), ("fc.3.weight", zeros(3, 4))],
        "two layers, \"fc.0\" and \"fc.3\""
      ),
      (
        [("1.4.weight", zeros(4, 4)), ("1.8.weight", zeros(3, 4))],
        "\"1.4\" of 4 for average and max pool, as fastai's head of two layers has"
      ),
      ([("a.weight", zeros(3, 2)), ("b.weight", zeros(4, 2))], "several: \"a\", \"b\""),
    ]
    for (head, found) in heads {
      #expect(
        errorLoadingNetwork(safetensorsFile(body + head))
          == .noClassifier(features: 2, found: found))
    }
    // A layer on the logits, outside the module that has the rest.
    let more = network { "model." + $0 } + [("classifier.weight", zeros(2, 3))]
    expectError(errorLoadingNetwork(safetensorsFile(more)), "noClassifier", "two layers")
  }

  @Test func lossesAreLeftOutAndOtherLayersAreNot() throws {
    for name in ["criterion.weight", "loss_fn.centers", "queue"] {
      let found = try loadNetwork(safetensorsFile(network { "model." + $0 } + [(name, zeros(4))]))
      try expectSame(found)
      #expect(
        found.source.notes == ["left out what is no part of the network: \"\(name)\""])
    }
    for name in ["neck.weight", "model.se.weight"] {
      #expect(
        errorLoadingNetwork(safetensorsFile(network { "model." + $0 } + [(name, zeros(2))]))
          == .network(.unexpectedTensor(name: name, found: [2], configuration: "a ResNet")))
    }
  }

  @Test(arguments: [
    ("layer1.0.conv1.parametrizations.weight.original", "remove_parametrizations"),
    ("conv1.activation_post_process.scale", "float model"),
    ("fc.weight_fake_quant.scale", "float model"),
    ("layer1.0.conv1.weight_g", "remove_weight_norm"), ("fc.weight_orig", "remove_spectral_norm"),
    ("conv1.1.running_mean", "fuse_modules"), ("fc.lora_A.weight", "merge"),
  ])
  func layersThatAreNotPlainAreNamed(name: String, advice: String) throws {
    let tensors = network().filter { !name.hasPrefix($0.name) } + [(name, zeros(1))]
    expectError(errorLoadingNetwork(safetensorsFile(tensors)), "unplainLayers", name, advice)
  }

  @Test func filesWithoutAResNetAreNamed() throws {
    let file = safetensorsFile([("vit.b", zeros(1)), ("vit.a", zeros(1))])
    #expect(errorLoadingNetwork(file) == .noResNet(count: 2, names: ["vit.a", "vit.b"]))
    let error = try #require(errorLoadingNetwork(file))
    #expect("\(error)".contains("found 2 others (\"vit.a\", \"vit.b\" …)"))
  }

  @Test func masksArePrunedAway() throws {
    var tensors = network()
    let place = try #require(tensors.firstIndex { $0.name == "layer1.0.conv1.weight" })
    let (name, tensor) = tensors.remove(at: place)
    let mask = tensor.values.indices.map { Float($0 % 2) }
    tensors += [
      (name + "_orig", tensor), (name + "_mask", Tensor(shape: tensor.shape, values: mask)),
    ]
    let found = try loadNetwork(safetensorsFile(tensors))
    var expected = checkpoint(1)
    expected.tensors[name] = Tensor(
      shape: tensor.shape, values: zip(tensor.values, mask).map { $0 * $1 })
    #expect(try found.layers == Network(expected).layers)
    #expect(found.source.notes == ["multiplied 1 weights by their pruning masks"])
  }

  /// Blocks of one stage that were pruned to different widths, which an ONNX graph tells by itself.
  @Test func branchesOfOneStageMayDiffer() throws {
    let config = try ResNetConfig(
      block: .bottleneck, blockCounts: [2, 1], channels: [2, 2], outputDimension: 3,
      branchChannels: [1, 4]
    ).withInnerChannels([[[1, 3], [2, 5]], [[4, 1]]])
    let found = try loadNetwork(safetensorsFile(Checkpoint.example(config).named))
    #expect(found.config == config)
    #expect(found.name.contains("branches pruned one by one"))
    #expect(try loadNetwork(onnxFile(found)).layers == found.layers)
  }

  @Test func oneChannelBecomesThree() throws {
    var tensors = network()
    let place = try #require(tensors.firstIndex { $0.name == "conv1.weight" })
    let values = (0..<49).map { Float($0) }
    tensors[place].tensor = Tensor(shape: [1, 1, 7, 7], values: values)
    let found = try loadNetwork(safetensorsFile(tensors))
    guard case .convolution(let stem) = found.layers[0].kind else {
      Issue.record("no convolution")
      return
    }
    let third = values.map { $0 / 3 }
    #expect(stem.weights == third + third + third)
    #expect(found.source.input.isGrey)
    for count in [2, 4, 6] {
      tensors[place].tensor = zeros(1, count, 7, 7)
      #expect(
        errorLoadingNetwork(safetensorsFile(tensors))
          == .network(
            .wrongShape(name: "conv1.weight", expected: [1, 3, 7, 7], found: [1, count, 7, 7])))
    }
  }

  @Test func counterOfAveragesIsLeftOut() throws {
    let tensors = network { "module." + $0 }
    var header: [String] = [entry("n_averaged", "I64", [], 0, 8)]
    var data = [UInt8](repeating: 0, count: 8)
    for (name, tensor) in tensors {
      let bytes = bytes(of: tensor.values)
      header.append(entry(name, "F32", tensor.shape, data.count, data.count + bytes.count))
      data += bytes
    }
    try expectSame(loadNetwork(safetensors("{" + header.joined(separator: ",") + "}", data)))
  }
}
