// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetModelImport
import SwiftProtobuf
import Testing

/// A small network whose batch norms do something.
func exampleCheckpoint(_ config: ResNetConfig, seed: UInt64 = 1) -> Checkpoint {
  var checkpoint = Checkpoint.random(config: config, seed: seed)
  for (name, tensor) in checkpoint.tensors where tensor.shape.count == 1 && !name.hasPrefix("fc") {
    let values = tensor.values.indices.map { index -> Float in
      let step = Float((index * 7 + name.utf8.count) % 11) / 11
      return name.hasSuffix("running_var") ? 0.5 + step : step - 0.25
    }
    checkpoint.tensors[name] = Tensor(shape: tensor.shape, values: values)
  }
  return checkpoint
}

@Suite struct ONNXTests {
  private let config: ResNetConfig
  private let checkpoint: Checkpoint

  init() throws {
    config = try ResNetConfig(
      block: .basic, blockCounts: [1, 2], channels: [2, 3], outputDimension: 3)
    checkpoint = exampleCheckpoint(config)
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

  private static let styles: [ONNXStyle] = {
    var styles: [ONNXStyle] = []
    let pools: [ONNXStyle.Pool] = [.global, .meanByAttribute, .meanByInput, .global]
    let flattenings: [ONNXStyle.Flattening] = [
      .flatten, .constantReshape, .computedReshape, .squeeze,
    ]
    let heads: [ONNXStyle.Head] = [.gemm, .gemmOfColumns, .matrixProduct, .transposedProduct]
    for index in 0..<4 {
      for hasNoise in [false, true] {
        var style = ONNXStyle()
        style.pool = pools[index]
        style.flattening = flattenings[index]
        style.head = heads[index]
        style.hasNoise = hasNoise
        style.storage = index.isMultiple(of: 2) ? .raw : .fields
        style.listsInitializersAsInputs = index == 1
        style.opset = [11, 13, 18, 20][index]
        styles.append(style)
      }
    }
    return styles
  }()

  /// Equal graphs of weights and structure, whatever the exporter made of names and nodes.
  @Test func everyStyleOfEveryVariantIsTheSameNetwork() throws {
    for config in Self.variants {
      let checkpoint = exampleCheckpoint(config)
      let expected = try Graph(folding: checkpoint, config: config)
      for (index, style) in Self.styles.enumerated() {
        let found = try load(onnxFile(checkpoint, config, style))
        #expect(found.format == .onnx)
        #expect(try ResNetConfig(describing: found) == config, "\(config.name), style \(index)")
        let bits = found.tensors.allSatisfy { checkpoint.tensors[$0.key] == $0.value }
        #expect(bits && found.tensors.count == checkpoint.tensors.count, "style \(index)")
        var folded = style
        folded.norm = .folded
        let again = try load(onnxFile(checkpoint, config, folded))
        #expect(
          try Graph(folding: again, config: ResNetConfig(describing: again)) == expected,
          "\(config.name), folded style \(index)")
      }
    }
  }

  @Test func halfPrecisionIsWidened() throws {
    for storage in [ONNXStyle.Storage.half, .halfFields] {
      var style = ONNXStyle()
      style.storage = storage
      let found = try load(onnxFile(checkpoint, config, style))
      for (name, tensor) in checkpoint.tensors {
        #expect(found.tensors[name]?.values == tensor.values.map { Float(Float16($0)) }, "\(name)")
      }
    }
  }

  @Test func epsilonIsTheGraphs() throws {
    var other = checkpoint
    other.normEpsilon = 1e-3
    let found = try load(onnxFile(other, config))
    #expect(found.normEpsilon == 1e-3)
    #expect(try Graph(folding: found, config: config) == Graph(folding: other, config: config))
    #expect(try load(onnxFile(checkpoint, config)).normEpsilon == 1e-5)
  }

  @Test func strideOfTheGraphIsBinding() throws {
    let config = Self.variants[2]
    let found = try load(onnxFile(exampleCheckpoint(config), config))
    #expect(try ResNetConfig(describing: found, bottleneckStride: .first) == config)
    #expect(throws: GraphError.strideMismatch(expected: "second", found: "first")) {
      try ResNetConfig(describing: found, bottleneckStride: .second)
    }
  }

  /// The error of a model with one thing changed.
  private func errorOf(_ change: (inout Onnx_ModelProto) -> Void, config: ResNetConfig? = nil)
    throws -> ImportError?
  {
    let config = config ?? self.config
    var model = ONNXBuilder.model(exampleCheckpoint(config), config, ONNXStyle())
    change(&model)
    return errorLoading(try model.serializedBytes())
  }

  private func index(of operation: String, _ place: Int = 0, in model: Onnx_ModelProto) -> Int {
    model.graph.node.indices.filter { model.graph.node[$0].opType == operation }[place]
  }

  private func set(
    _ name: String, of node: inout Onnx_NodeProto, _ change: (inout Onnx_AttributeProto) -> Void
  ) {
    node.attribute.removeAll { $0.name == name }
    var attribute = Onnx_AttributeProto()
    attribute.name = name
    change(&attribute)
    node.attribute.append(attribute)
  }

  /// Every node replaced by one that no ResNet has there is named.
  @Test func everyForeignNodeIsNamed() throws {
    let count = ONNXBuilder.model(checkpoint, config, ONNXStyle()).graph.node.count
    for place in 0..<count {
      var name = ""
      let error = try errorOf {
        $0.graph.node[place].opType = "Sigmoid"
        name = $0.graph.node[place].name
      }
      guard case .unexpectedNode(_, let named, let expected, _) = error else {
        Issue.record("node \(place): \(String(describing: error))")
        continue
      }
      #expect(named == name, "expected \(expected)")
    }
  }

  @Test func foreignDomainIsRefused() throws {
    let error = try errorOf { $0.graph.node[0].domain = "com.example" }
    guard case .unexpectedNode("Conv", _, _, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func relativesAreRefusedByName() throws {
    var error = try errorOf { model in
      let conv = index(of: "Conv", 2, in: model)
      set("group", of: &model.graph.node[conv]) { $0.i = 2 }
    }
    #expect("\(error!)".contains("ResNeXt"))
    error = try errorOf { model in
      // The first block's convolutions begin with batch norm.
      let pool = index(of: "MaxPool", in: model)
      let norm = index(of: "BatchNormalization", 1, in: model)
      model.graph.node[norm].input[0] = model.graph.node[pool].output[0]
      model.graph.node[pool + 1].input[0] = model.graph.node[norm].output[0]
    }
    #expect("\(error!)".contains("pre-activation"))
  }

  @Test func wrongAttributesAreRefused() throws {
    let changes: [(String, Int, String, (inout Onnx_AttributeProto) -> Void)] = [
      ("Conv", 0, "pads", { $0.ints = [2, 2, 2, 2] }),
      ("Conv", 0, "strides", { $0.ints = [2, 1] }),
      ("Conv", 1, "dilations", { $0.ints = [2, 2] }),
      ("Conv", 1, "auto_pad", { $0.s = Data("SAME_UPPER".utf8) }),
      ("Conv", 2, "strides", { $0.ints = [2, 2] }),
      ("Conv", 2, "kernel_shape", { $0.ints = [5, 5] }),
      ("Conv", 1, "strides", { $0.ints = [.max, .max] }),
      ("MaxPool", 0, "kernel_shape", { $0.ints = [2, 2] }),
      ("MaxPool", 0, "ceil_mode", { $0.i = 1 }),
      ("BatchNormalization", 1, "epsilon", { $0.f = 0.1 }),
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
      guard case .unexpectedNode(_, let named, _, _) = error else {
        Issue.record("\(operation) \(place), \(name): \(String(describing: error))")
        continue
      }
      #expect(named == found || operation == "Conv", "\(operation) \(place), \(name)")
    }
  }

  @Test func modelsThatAreNotWholeAreRefused() throws {
    #expect(
      try errorOf { $0.graph.initializer[0].dataLocation = 1 }
        == .externalData(tensor: "value 1"))
    guard case .malformed = try errorOf({ $0.opsetImport = [] }) else {
      Issue.record("expected a model without opset to be refused")
      return
    }
    for version in [8, 26, -1, .max] as [Int64] {
      guard case .malformed = try errorOf({ $0.opsetImport[0].version = version }) else {
        Issue.record("expected opset \(version) to be refused")
        return
      }
    }
    guard case .unsupportedFormat = try errorOf({ $0.functions = [.init()] }) else {
      Issue.record("expected functions to be refused")
      return
    }
    guard case .malformed = try errorOf({ $0.graph.output.append(.init()) }),
      case .malformed = try errorOf({ $0.graph.input = [] })
    else {
      Issue.record("expected one input and one output")
      return
    }
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
    guard case .unexpectedNode(_, _, _, "a cycle") = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    error = try errorOf { model in
      // The second block's output is the first one's input.
      let pool = index(of: "MaxPool", in: model)
      let last = index(of: "GlobalAveragePool", in: model)
      model.graph.node[last].input[0] = model.graph.node[pool].output[0]
    }
    #expect(error != nil)
  }
}
