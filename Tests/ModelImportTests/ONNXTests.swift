// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetModelImport
import SwiftProtobuf
import TestPlans
import Testing

@Suite struct ONNXTests {
  private let checkpoint: Checkpoint
  private let network: Network

  init() throws {
    checkpoint = .example(
      try ResNetConfig(block: .basic, blockCounts: [1, 2], channels: [2, 3], outputDimension: 3))
    network = try Network(checkpoint)
  }

  private static let variants: [ResNetConfig] = {
    do {
      return try [
        ResNetConfig(block: .basic, blockCounts: [2], channels: [3], outputDimension: 1),
        ResNetConfig(
          block: .bottleneck, blockCounts: [1, 2, 1], channels: [2, 3, 2], outputDimension: 4),
        ResNetConfig(
          block: .bottleneck, blockCounts: [1, 1], channels: [2, 3], outputDimension: 4,
          branchChannels: [5, 7], bottleneckStride: .first),
        ResNetConfig(
          block: .basic, blockCounts: [1, 1, 1, 1], channels: [4, 3, 2, 3], outputDimension: 2,
          stemChannels: [2, 3, 4], poolsShortcuts: true),
        ResNetConfig(
          block: .bottleneck, blockCounts: [2, 2], channels: [2, 2], outputDimension: 2,
          stemChannels: [5], poolsShortcuts: true),
      ]
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  private static let styles = [false, true].flatMap { hasNoise in
    [
      ONNXStyle(hasNoise: hasNoise, opset: 11),
      ONNXStyle(
        pool: .meanByAttribute, flattening: .constantReshape, head: .gemmOfColumns,
        storage: .fields, hasNoise: hasNoise, listsInitializersAsInputs: true, opset: 13),
      ONNXStyle(
        pool: .meanByInput, flattening: .computedReshape, head: .matrixProduct,
        hasNoise: hasNoise, opset: 18),
      ONNXStyle(
        flattening: .squeeze, head: .transposedProduct, storage: .fields, hasNoise: hasNoise,
        opset: 20),
    ]
  }

  /// Equal layers but for where they come from.
  private func expectSame(_ found: Network, _ expected: Network, _ what: String) {
    #expect(found.config == expected.config, "\(what)")
    #expect(found.layers == expected.layers, "\(what)")
    #expect(found.outputs == expected.outputs, "\(what)")
  }

  /// Whatever the exporter made of names and nodes.
  @Test func everyStyleOfEveryVariantIsTheSameNetwork() throws {
    for config in Self.variants {
      let checkpoint = Checkpoint.example(config)
      let expected = try Network(checkpoint, bottleneckStride: config.bottleneckStride)
      #expect(expected.config == config)
      var expectedFolded = expected
      try expectedFolded.foldBatchNorms()
      for (index, style) in Self.styles.enumerated() {
        let found = try loadNetwork(onnxFile(expected, style))
        expectSame(found, expected, "\(config.name), style \(index)")
        var folded = style
        folded.norm = .folded
        let again = try loadNetwork(onnxFile(expected, folded))
        // Names of values apart, which end with the batch norm there.
        let program = try Program(again, inputSize: 32)
        #expect(
          try program.operations == Program(expectedFolded, inputSize: 32).operations,
          "\(config.name), folded style \(index)")
      }
    }
  }

  /// Limits of 6 and pools that no ResNet has.
  @Test func clipsAndPoolsOfOtherWindowsAreExecuted() throws {
    let network = pooledNetwork()
    let found = try Program(loadNetwork(onnxFile(network)), inputSize: 64)
    let image = testImage(64, seed: 3)
    #expect(relativeDifference(found.logits(image), PlainNetwork(network).logits(image)) < 1e-4)
  }

  @Test func halfPrecisionIsWidened() throws {
    let rounded = checkpoint.tensors.mapValues(StoredType.float16.rounded)
    for storage in [ONNXStyle.Storage.half, .halfFields] {
      let found = try loadNetwork(onnxFile(network, ONNXStyle(storage: storage)))
      expectSame(found, try Network(Checkpoint(tensors: rounded)), "\(storage)")
    }
  }

  /// Each batch norm has its own epsilon; compared with the definition in float64.
  @Test func epsilonsMayDiffer() throws {
    let style = ONNXStyle(epsilons: [1e-5, 0.25])
    let found = try loadNetwork(onnxFile(network, style))
    var expected = network
    var count = 0
    for index in expected.layers.indices {
      guard case .batchNorm(var norm) = expected.layers[index].kind else { continue }
      norm.epsilon = count.isMultiple(of: 2) ? 1e-5 : 0.25
      expected.layers[index].kind = .batchNorm(norm)
      count += 1
    }
    expectSame(found, expected, "two epsilons")

    let image = testImage(32, seed: 1)
    let reference = PlainNetwork(expected).logits(image)
    let logits = try Program(found, inputSize: 32).logits(image)
    #expect(relativeDifference(logits, reference) < 1e-4)
    // The epsilons do something.
    let other = PlainNetwork(network).logits(image)
    #expect(relativeDifference(other, reference) > 1e-2)
  }

  /// A sum behind a classifier that has a bias adds to it.
  @Test func sumBehindAClassifierWithBiasAddsToIt() throws {
    var model = ONNXBuilder.model(network)
    let last = model.graph.node[model.graph.node.count - 1]
    model.graph.initializer.append(
      .with {
        ($0.name, $0.dims, $0.dataType, $0.floatData) = ("more", [3], 1, [0.5, -1, 2])
      })
    model.graph.node.append(
      .with { ($0.opType, $0.input, $0.output) = ("Add", [last.output[0], "more"], ["sum"]) })
    model.graph.output[0].name = "sum"
    guard case .linear(let own) = network.layers.last?.kind,
      case .linear(let found) = try loadNetwork(model.serializedBytes()).layers.last?.kind
    else {
      Issue.record("expected linear layers")
      return
    }
    #expect(found.bias == zip(own.bias, [0.5, -1, 2]).map { $0 + $1 })
  }

  @Test func strideOfTheGraphIsBinding() throws {
    let config = Self.variants[2]
    let file = try onnxFile(Network(.example(config), bottleneckStride: .first))
    #expect(try loadNetwork(file, bottleneckStride: .first).config == config)
    #expect(
      throws: ImportError.network(.strideMismatch(expected: "3x3", found: "first"))
    ) {
      try loadNetwork(file, bottleneckStride: .second)
    }
    #expect(throws: ImportError.noSuchWeights(name: "model")) {
      try loadNetwork(file, weights: "model")
    }
  }

  /// The error of a model with one thing changed.
  private func errorOf(_ change: (inout Onnx_ModelProto) -> Void) throws -> ImportError? {
    var model = ONNXBuilder.model(network)
    change(&model)
    do {
      _ = try Program(loadNetwork(model.serializedBytes()), inputSize: 32)
      return nil
    } catch let error as ImportError {
      return error
    } catch let error as GraphError {
      return .network(error)
    }
  }

  private func index(of operation: String, _ place: Int = 0, in model: Onnx_ModelProto) -> Int {
    model.graph.node.indices.filter { model.graph.node[$0].opType == operation }[place]
  }

  private func set(
    _ name: String, of node: inout Onnx_NodeProto, _ change: (inout Onnx_AttributeProto) -> Void
  ) {
    node.attribute.removeAll { $0.name == name }
    node.attribute.append(attribute(name, change))
  }

  /// Every node replaced by one that no ResNet has there is named.
  @Test func everyForeignNodeIsNamed() throws {
    let count = ONNXBuilder.model(network).graph.node.count
    for place in 0..<count {
      var name = ""
      let error = try errorOf {
        $0.graph.node[place].opType = "Tanh"
        name = $0.graph.node[place].name
      }
      expectError(error, "unexpectedNode", "node \"\(name)\" (Tanh)")
    }
  }

  @Test func foreignDomainIsRefused() throws {
    let error = try errorOf { $0.graph.node[0].domain = "com.example" }
    #expect(error?.kind == "unexpectedNode")
  }

  /// What cannot be executed is refused by the layer's name in the file, with the reason.
  private func expectUnfit(
    _ expected: String, _ operation: String, _ place: Int,
    _ change: (inout Onnx_ModelProto, Int) -> Void
  ) throws {
    var name = ""
    let error = try errorOf { model in
      let node = index(of: operation, place, in: model)
      name = model.graph.node[node].name
      change(&model, node)
    }
    expectError(error, "network", "layer \"\(name)\": expected", expected)
  }

  /// Groups, batch norm in front of convolutions, padding of single sides and dilation are executed.
  @Test func relativesRun() throws {
    #expect(
      try errorOf { model in
        let node = index(of: "Conv", 4, in: model)
        // 3 channels in 3 groups.
        set("group", of: &model.graph.node[node]) { $0.i = 3 }
        let weights = model.graph.node[node].input[1]
        let place = model.graph.initializer.firstIndex { $0.name == weights }!
        model.graph.initializer[place].dims[1] = 1
        model.graph.initializer[place].rawData.count = 3 * 9 * 4
      } == nil)
    #expect(
      try errorOf { model in
        // The first block's convolutions begin with batch norm.
        let pool = index(of: "MaxPool", in: model)
        var node = model.graph.node.remove(at: index(of: "BatchNormalization", 1, in: model))
        let made = node.output[0]
        let before = node.input[0]
        for index in model.graph.node.indices {
          for slot in model.graph.node[index].input.indices
          where model.graph.node[index].input[slot] == made {
            model.graph.node[index].input[slot] = before
          }
        }
        node.input[0] = model.graph.node[pool].output[0]
        model.graph.node[pool + 1].input[0] = made
        model.graph.node.insert(node, at: pool + 1)
      } == nil)
    #expect(
      try errorOf { model in
        let node = index(of: "Conv", 1, in: model)
        set("pads", of: &model.graph.node[node]) { $0.ints = [2, 2, 2, 2] }
        set("dilations", of: &model.graph.node[node]) { $0.ints = [2, 2] }
      } == nil)
  }

  @Test func whatCannotBeExecutedIsRefusedByName() throws {
    let changes: [(String, Int, String, String, (inout Onnx_AttributeProto) -> Void)] = [
      ("Conv", 0, "padding", "pads", { $0.ints = [7, 7, 7, 7] }),
      ("Conv", 0, "stride", "strides", { $0.ints = [2, 1] }),
      ("Conv", 1, "dilation", "dilations", { $0.ints = [17, 17] }),
      ("Conv", 1, "dilation", "dilations", { $0.ints = [1, 2] }),
      ("Conv", 1, "stride", "strides", { $0.ints = [3, 3] }),
      ("MaxPool", 0, "strides of 1 to 16", "strides", { $0.ints = [17, 17] }),
      ("MaxPool", 0, "windows and strides", "kernel_shape", { $0.ints = [17, 17] }),
    ]
    for (operation, place, expected, name, change) in changes {
      try expectUnfit(expected, operation, place) { model, node in
        set(name, of: &model.graph.node[node], change)
      }
    }
    try expectUnfit("a ReLU, which is from 0 on", "Relu", 0) { model, node in
      model.graph.node[node].opType = "Clip"
      set("min", of: &model.graph.node[node]) { $0.f = -1 }
      set("max", of: &model.graph.node[node]) { $0.f = 6 }
    }
    // The sum does not fit.
    for (pads, strides) in [([1, 1, 0, 1], [1, 1]), ([1, 1, 1, 1], [2, 2])] as [([Int64], [Int64])]
    {
      let error = try errorOf { model in
        let conv = index(of: "Conv", 2, in: model)
        set("pads", of: &model.graph.node[conv]) { $0.ints = pads }
        set("strides", of: &model.graph.node[conv]) { $0.ints = strides }
      }
      expectError(error, "network", "expected a sum of", "pixels, found 8×8")
    }
  }

  @Test func wrongAttributesAreRefused() throws {
    let changes: [(String, Int, String, (inout Onnx_AttributeProto) -> Void)] = [
      ("Conv", 1, "auto_pad", { $0.s = Data("SAME".utf8) }),
      ("Conv", 2, "kernel_shape", { $0.ints = [5, 5] }),
      ("Conv", 1, "strides", { $0.ints = [.max, .max] }),
      ("Conv", 1, "strides", { $0.ints = [0, 1] }),
      ("Conv", 1, "pads", { $0.ints = [-1, 1, 1, 1] }),
      ("Conv", 1, "group", { $0.i = .max }),
      ("BatchNormalization", 0, "epsilon", { $0.f = -1 }),
      ("BatchNormalization", 0, "epsilon", { $0.f = .nan }),
      ("BatchNormalization", 0, "training_mode", { $0.i = 1 }),
      ("Flatten", 0, "axis", { $0.i = 2 }),
      ("Gemm", 0, "transA", { $0.i = 1 }),
    ]
    for (operation, place, name, change) in changes {
      var found = ""
      let error = try errorOf { model in
        let node = index(of: operation, place, in: model)
        set(name, of: &model.graph.node[node], change)
        found = model.graph.node[node].name
      }
      expectError(error, "unexpectedNode", "node \"\(found)\" (\(operation))")
    }
  }

  @Test func modelsThatAreNotWholeAreRefused() throws {
    #expect(
      try errorOf { $0.graph.initializer[0].dataLocation = 1 }
        == .externalData(tensor: "value 1"))
    for version in [6, 29, -1, .max] as [Int64] {
      let error = try errorOf { $0.opsetImport[0].version = version }
      #expect(error?.kind == "malformed", "opset \(version)")
    }
    #expect(try errorOf { $0.opsetImport = [] }?.kind == "malformed")
    #expect(try errorOf { $0.functions = [.init()] }?.kind == "unsupportedFormat")
    #expect(try errorOf { $0.graph.output.append(.init()) }?.kind == "malformed")
    #expect(try errorOf { $0.graph.input = [] }?.kind == "malformed")
    #expect(
      try errorOf { $0.graph.initializer.append($0.graph.initializer[0]) }
        == .duplicateTensor(name: "value 1"))
  }

  @Test func wrongTensorsAreRefused() throws {
    let changes: [(inout Onnx_TensorProto) -> Void] = [
      { $0.dims = [.max, .max] }, { $0.dims = [-1, 3, 7, 7] }, { $0.dims = [1 << 40, 0] },
      { $0.dims = [1 << 62] }, { $0.dims = [Int64](repeating: 1, count: 100) },
      { $0.rawData.removeLast() }, { $0.dataType = 11 }, { $0.dataType = 7 },
      { $0.dataType = 0 }, { $0.rawData = Data() },
      {
        $0.rawData = Data()
        $0.floatData = [1]
      },
      { $0.rawData.replaceSubrange(0..<4, with: StoredType.float32.encode([.nan])) },
      { $0.dims = [2, 3, 49] },
    ]
    for (index, change) in changes.enumerated() {
      #expect(try errorOf { change(&$0.graph.initializer[0]) } != nil, "change \(index)")
    }
  }

  @Test func cyclesAreRefused() throws {
    var error = try errorOf { model in
      // Two Identity nodes that feed each other, and then the image.
      for (from, to) in [("a", "b"), ("b", "a")] {
        model.graph.node.append(
          .with {
            $0.opType = "Identity"
            $0.input = [from]
            $0.output = [to]
          })
      }
      model.graph.node[0].input[0] = "a"
    }
    expectError(
      error, "unexpectedNode", "(Conv)", "expected inputs that nodes before it make, found \"a\"")
    error = try errorOf { model in
      // The second block's output is the first one's input.
      let pool = index(of: "MaxPool", in: model)
      let last = index(of: "GlobalAveragePool", in: model)
      model.graph.node[last].input[0] = model.graph.node[pool].output[0]
    }
    #expect(error != nil)
  }
}
