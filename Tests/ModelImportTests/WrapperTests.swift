// SPDX-License-Identifier: Apache-2.0

import ResNetModelImport
import TestPlans
import Testing

/// What training loops put around and before the weights.
@Suite struct WrapperTests {
  /// A checkpoint whose top dictionary has under each key a tensor `conv1.weight` with one value, its
  /// place, and then what `others` sets.
  private func file(_ keys: [String], _ others: Pickle = .ops("")) throws -> [UInt8] {
    let weights = keys.enumerated().flatMap { index, key in
      let tensors = Pickle.plain(["conv1.weight": .tensor([1], key: "\(index)")])
      return (Pickle.text(key) + tensors).bytes
    }
    return try torchArchive(
      pickle(.ops("}(") + Pickle(weights) + others + .ops("u")),
      keys.indices.map { ("\($0)", bytes(of: [Float($0)])) })
  }

  @Test(
    arguments: [
      (["state_dict"], "state_dict", []), (["model"], "model", []),
      (["model_state_dict", "optimizer_state_dict"], "model_state_dict", []),
      (["model", "model_ema"], "model_ema", ["model"]),
      (["state_dict", "state_dict_ema"], "state_dict_ema", ["state_dict"]),
      (["ema", "model"], "ema", ["model"]),
    ] as [([String], String, [String])])
  func bestCopyIsTaken(keys: [String], taken: String, passedOver: [String]) throws {
    let checkpoint = try load(file(keys, .text("epoch") + .int(3)))
    #expect(checkpoint.wrapper == taken)
    #expect(checkpoint.passedOver == passedOver)
    let place = try #require(keys.firstIndex(of: taken))
    #expect(checkpoint.tensors["conv1.weight"]?.values == [Float(place)])
  }

  @Test func copyCanBeAskedFor() throws {
    let bytes = try file(["model_ema", "model", "student"])
    let model = try load(bytes, weights: "model")
    #expect(model.tensors["conv1.weight"]?.values == [1])
    #expect(model.passedOver.contains("model_ema"))
    #expect(try load(bytes, weights: "student").tensors["conv1.weight"]?.values == [2])
    #expect(throws: ImportError.noSuchWeights(name: "teacher")) {
      try load(bytes, weights: "teacher")
    }
  }

  @Test func argumentsOfTheTrainingAreNotLookedAt() throws {
    // argparse.Namespace(lr=1), as pickle protocol 2 makes it, and collections.defaultdict(Counter)
    // with an item.
    let namespace = Self.new("argparse", "Namespace") + .plain(["lr": .int(1)]) + .ops("b")
    let counts = Pickle.call("collections", "defaultdict", .global("collections", "Counter"))
    let bytes = try file(
      ["model"],
      .text("args") + namespace + .text("milestones") + counts + .int(1) + .int(2) + .ops("s"))
    #expect(try load(bytes).tensors.count == 1)
  }

  /// An object made by its class with NEWOBJ.
  private static func new(_ module: String, _ name: String) -> Pickle {
    .global(module, name) + .ops(")") + .code(0x81)
  }

  @Test func inertObjectsAreNoWeights() throws {
    #expect(
      errorLoading(try torchArchive(pickle(Self.new("argparse", "Namespace"))))
        == .unexpectedEntry(
          name: "", expected: "a dictionary of tensors by name",
          found: "an object without weights"))
    // What is made by its class must be inert.
    let dictionary = try torchArchive(pickle(Self.new("collections", "OrderedDict")))
    expectError(errorLoading(dictionary), "refusedCall", "NEWOBJ")
  }

  @Test(
    arguments: [
      (["module.conv1.weight", "module.fc.bias"], "module.", []),
      (["module.backbone.conv1.weight"], "module.backbone.", []),
      (["model.conv1.weight", "ema_model.conv1.weight"], "ema_model.", ["model"]),
      (["_orig_mod.module.conv1.0.weight"], "_orig_mod.module.", []),
      (["resnet.conv1.weight"], "resnet.", []),
      (["module.resnet.embedder.embedder.convolution.weight"], "module.", []),
      (["backbone.conv1.weight", "head.weight"], nil, []),
      (["conv1.weight", "model.conv1.weight"], nil, []),
    ] as [([String], String?, [String])])
  func prefixesAreRemoved(names: [String], prefix: String?, passedOver: [String]) throws {
    let tensors = names.map { (name: $0, tensor: Tensor(shape: [1], values: [1])) }
    let checkpoint = try load(safetensorsFile(tensors))
    #expect(checkpoint.strippedPrefix == prefix)
    #expect(checkpoint.passedOver == passedOver)
    #expect(checkpoint.tensors.keys.allSatisfy { prefix == nil || !$0.hasPrefix(prefix!) })
  }

  @Test func counterOfAveragesIsLeftOut() throws {
    let header =
      "{" + entry("n_averaged", "I64", [], 0, 8) + ","
      + entry("module.conv1.weight", "F32", [1], 8, 12) + "}"
    let checkpoint = try load(
      safetensors(header, [UInt8](repeating: 0, count: 8) + bytes(of: [3])))
    #expect(checkpoint.strippedPrefix == "module.")
    #expect(checkpoint.skipped.isEmpty)
    #expect(checkpoint.tensors["conv1.weight"]?.values == [3])
  }
}
