// SPDX-License-Identifier: Apache-2.0

import ResNetModelImport
import Testing

/// What training loops put around and before the weights.
@Suite struct WrapperTests {
  /// A checkpoint whose top dictionary has under each key a tensor `conv1.weight` with one value, its
  /// place.
  private func file(
    _ keys: [String], name: String = "conv1.weight", _ others: (inout Pickle) -> Void
  )
    throws -> [UInt8]
  {
    var pickle = Pickle()
    pickle.op("}")
    pickle.op("(")
    for (index, key) in keys.enumerated() {
      pickle.text(key)
      pickle.op("}")
      pickle.text(name)
      pickle.tensor([1], key: "\(index)")
      pickle.op("s")
    }
    others(&pickle)
    pickle.op("u")
    return try torchArchive(
      pickle.finished, keys.indices.map { ("\($0)", bytes(of: [Float($0)])) })
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
    let checkpoint = try load(
      file(keys) {
        $0.text("epoch")
        $0.int(3)
      })
    #expect(checkpoint.wrapper == taken)
    #expect(checkpoint.passedOver == passedOver)
    let place = try #require(keys.firstIndex(of: taken))
    #expect(checkpoint.tensors["conv1.weight"]?.values == [Float(place)])
  }

  @Test func copyCanBeAskedFor() throws {
    let bytes = try file(["model_ema", "model", "student"]) { _ in }
    func load(_ weights: String) throws -> Checkpoint {
      var options = ImportOptions()
      options.weights = weights
      return try bytes.withUnsafeBytes { try Checkpoint(bytes: $0, options) }
    }
    #expect(try load("model").tensors["conv1.weight"]?.values == [1])
    #expect(try load("model").passedOver.contains("model_ema"))
    #expect(try load("student").tensors["conv1.weight"]?.values == [2])
    #expect(throws: ImportError.noSuchWeights(name: "teacher")) { try load("teacher") }
  }

  @Test func argumentsOfTheTrainingAreNotLookedAt() throws {
    let bytes = try file(["model"]) {
      // argparse.Namespace(lr=1), as pickle protocol 2 makes it.
      $0.text("args")
      $0.global("argparse", "Namespace")
      $0.op(")")
      $0.op(0x81)
      $0.op("}")
      $0.text("lr")
      $0.int(1)
      $0.op("s")
      $0.op("b")
      // collections.defaultdict(Counter) with an item.
      $0.text("milestones")
      $0.global("collections", "defaultdict")
      $0.global("collections", "Counter")
      $0.op(0x85)
      $0.op("R")
      $0.int(1)
      $0.int(2)
      $0.op("s")
    }
    #expect(try load(bytes).tensors.count == 1)
  }

  @Test func inertObjectsAreNoWeights() throws {
    var pickle = Pickle()
    pickle.global("argparse", "Namespace")
    pickle.op(")")
    pickle.op(0x81)
    #expect(
      errorLoading(try torchArchive(pickle.finished))
        == .unexpectedEntry(
          name: "", expected: "a dictionary of tensors by name",
          found: "an object without weights"))
    // What is made by its class must be inert.
    pickle = Pickle()
    pickle.global("collections", "OrderedDict")
    pickle.op(")")
    pickle.op(0x81)
    guard case .refusedCall("NEWOBJ", _, _) = errorLoading(try torchArchive(pickle.finished)) else {
      Issue.record("expected NEWOBJ of another class to be refused")
      return
    }
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
