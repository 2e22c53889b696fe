// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import SwiftProtobuf

/// Makes a network of an ONNX graph, node by node in the graph's order, which is one in which they can be computed.
struct ONNXGraphReader {
  /// What a name in the graph stands for.
  private enum Value {
    /// A value of the network; a vector is a value of 1×1 pixels without these two dimensions.
    case layer(String, isVector: Bool)
    case constant(Onnx_TensorProto)
    /// What a node makes of constants or of a shape alone.
    case derived(node: Int)
  }

  var budget: DecodedBytes
  private var graph: Onnx_GraphProto
  private var values: [String: Value] = [:]
  /// How often each name is read, so that a tensor is let go when it was taken for the last time.
  private var readers: [String: Int] = [:]
  private var network = Network(source: Network.Source(format: ONNXModel.format))

  init(_ graph: consuming Onnx_GraphProto, limits: ImportLimits) {
    self.graph = graph
    budget = DecodedBytes(limit: limits.decodedBytes)
  }

  mutating func run() throws(ImportError) -> Network {
    for tensor in graph.initializer {
      guard values.updateValue(.constant(tensor), forKey: tensor.name) == nil else {
        throw .duplicateTensor(name: tensor.name)
      }
    }
    graph.initializer = []
    // Until IR version 4 initializers were among the inputs.
    let inputs = graph.input.map(\.name).filter { values[$0] == nil }
    values[try only(inputs, "input")] = .layer(Network.image, isVector: false)
    for node in graph.node {
      for input in node.input { readers[input, default: 0] += 1 }
    }
    for index in graph.node.indices { try read(index) }
    let output = try only(graph.output.map(\.name), "output")
    guard case .layer(let value, isVector: true) = values[output] ?? .derived(node: 0),
      let last = network.layers.last(where: { $0.output == value }), case .linear = last.kind
    else {
      throw .malformed(
        part: "ONNX graph", offset: 0, expected: "the classifier's result as output",
        found: quoted(output))
    }
    network.outputs = [
      .init(name: "features", value: last.inputs[0]), .init(name: "logits", value: value),
    ]
    return network
  }

  private mutating func read(_ index: Int) throws(ImportError) {
    let node = graph.node[index]
    guard let output = node.output.first, !output.isEmpty, values[output] == nil else {
      throw unexpected(index, "a new name for its output", "\(quoted(node.output.first ?? ""))")
    }
    values[output] = try value(of: index)
    // Constants in a node are kept as values only.
    if node.opType == "Constant" { graph.node[index].attribute = [] }
  }

  private mutating func value(of index: Int) throws(ImportError) -> Value {
    let node = graph.node[index]
    let isStandard = ["", "ai.onnx"].contains(node.domain)
    for input in node.input where !input.isEmpty && values[input] == nil {
      throw unexpected(index, "inputs that nodes before it make", quoted(input))
    }
    var readsLayers = false
    for input in node.input { if case .layer = values[input] { readsLayers = true } }
    guard isStandard, !["Shape", "Size"].contains(node.opType), readsLayers else {
      guard isStandard || !readsLayers else { throw foreign(index) }
      if isStandard, node.opType == "Constant" { return constant(node, index) }
      if isStandard, Self.passing.contains(node.opType), let input = node.input.first,
        case .constant = values[input]
      {
        return .constant(take(input, index))
      }
      return .derived(node: index)
    }
    guard case .layer(let input, let isVector) = values[node.input[0]] else {
      if node.opType == "Add" { return try addBias(index, slot: 0) }
      throw unexpected(index, "the image's values as its first input", "them as another")
    }
    if Self.passing.contains(node.opType) { return .layer(input, isVector: isVector) }
    switch node.opType {
    case "Conv": return append(index, .convolution(try convolution(index)), [input])
    case "BatchNormalization": return append(index, .batchNorm(try batchNorm(index)), [input])
    case "Relu": return append(index, .relu, [input], isVector: isVector)
    case "Clip": return append(index, try clamp(index), [input], isVector: isVector)
    case "MaxPool": return append(index, .maxPool(try pool(index)), [input])
    case "AveragePool": return append(index, .averagePool(try pool(index)), [input])
    case "Add":
      guard node.input.count == 2, case .layer(let other, isVector) = values[node.input[1]] else {
        return try addBias(index, slot: 1)
      }
      return append(index, .add, [input, other], isVector: isVector)
    case "GlobalAveragePool", "ReduceMean":
      let keeps = node.opType == "GlobalAveragePool" || node.integer("keepdims", default: 1) != 0
      if node.opType == "ReduceMean" { try checkMean(index) }
      return append(index, .globalAveragePool, [input], isVector: !keeps)
    case "Flatten", "Reshape", "Squeeze":
      try checkFlattening(index, input)
      return .layer(input, isVector: true)
    case "Gemm", "MatMul":
      guard isVector else { throw unexpected(index, "a vector", "an image") }
      let linear = try linear(index)
      return append(index, .linear(linear), [input], isVector: true)
    default: throw foreign(index)
    }
  }

  /// Operations that pass their first input on when a network is not trained. Cast changes the
  /// precision, which the plan decides; CastLike takes it from a second input.
  private static let passing: Set = ["Identity", "Dropout", "Cast", "CastLike"]

  private func foreign(_ index: Int) -> ImportError {
    unexpected(
      index,
      "an operation of a convolutional network (Conv, BatchNormalization, Relu, Clip, Add, "
        + "MaxPool, AveragePool, GlobalAveragePool, Gemm …)", quoted(graph.node[index].opType))
  }

  private mutating func append(
    _ index: Int, _ kind: Network.Kind, _ inputs: [String], isVector: Bool = false
  ) -> Value {
    let name = name(index)
    let made = graph.node[index].output[0]
    // What is not the image must not have its name.
    let output = made == Network.image ? "\(made) of \(name)" : made
    network.layers.append(
      Network.Layer(name: name, block: name, kind: kind, inputs: inputs, output: output))
    return .layer(output, isVector: isVector)
  }

  private func constant(_ node: Onnx_NodeProto, _ index: Int) -> Value {
    var tensor = Onnx_TensorProto()
    switch node.attribute.first?.name {
    case "value": tensor = node.attribute[0].t
    case "value_ints":
      tensor.dataType = Onnx_TensorProto.int64
      tensor.dims = [Int64(node.attribute[0].ints.count)]
      tensor.int64Data = node.attribute[0].ints
    default: return .derived(node: index)
    }
    tensor.name = node.output[0]
    return .constant(tensor)
  }

  /// The sum of a linear layer, which becomes its bias.
  private mutating func addBias(_ index: Int, slot: Int) throws(ImportError) -> Value {
    let inputs = graph.node[index].input
    guard inputs.count == 2, case .layer(let value, true) = values[inputs[1 - slot]],
      let place = network.layers.indices.last, network.layers[place].output == value,
      case .linear(var linear) = network.layers[place].kind
    else {
      throw unexpected(
        index, "the sum of two values of the network, or a linear layer's bias", "another")
    }
    linear.bias = try bias(index, slot, linear.outputCount)
    // Who reads the sum without its bias finds no such value.
    let output = "\(value) with bias"
    network.layers[place].kind = .linear(linear)
    network.layers[place].output = output
    return .layer(output, isVector: true)
  }

  // MARK: - Constants

  /// The constant in an input of a node.
  mutating func floats(_ index: Int, _ slot: Int) throws(ImportError) -> Tensor {
    let inputs = graph.node[index].input
    let name = slot < inputs.count ? inputs[slot] : ""
    switch values[name] {
    case .constant: return try take(name, index).floats(&budget)
    case .derived(let source) where graph.node[source].opType == "Transpose":
      guard let tensor = constantInput(of: source) else { break }
      let weights = try tensor.floats(&budget)
      return try transposed(try matrix(weights, source))
    default: break
    }
    throw unexpected(index, "a constant as input \(slot)", "none")
  }

  /// A constant, which is let go if no other node reads it.
  private mutating func take(_ name: String, _ index: Int) -> Onnx_TensorProto {
    guard case .constant(let tensor) = values[name] else { preconditionFailure("no constant") }
    readers[name, default: 1] -= 1
    if readers[name] == 0 { values[name] = .derived(node: index) }
    return tensor
  }

  /// The constant that a node makes something of.
  private func constantInput(of index: Int) -> Onnx_TensorProto? {
    guard let input = graph.node[index].input.first, case .constant(let tensor) = values[input]
    else { return nil }
    return tensor
  }

  func matrix(_ tensor: Tensor, _ index: Int) throws(ImportError) -> Tensor {
    if tensor.shape.count == 2 { return tensor }
    throw unexpected(index, "a matrix of weights", "shape \(tensor.shape.prefix(8))")
  }

  mutating func transposed(_ matrix: Tensor) throws(ImportError) -> Tensor {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    try budget.reserve(elements: matrix.values.count)
    let view = StridedView(offset: 0, shape: [columns, rows], strides: [1, columns])
    return Tensor(shape: [columns, rows], values: view.gather(from: matrix.values))
  }

  /// The one number that an Expand in an input of a node repeats; nil if there is none.
  mutating func expanded(_ index: Int, _ slot: Int) throws(ImportError) -> Float? {
    guard case .derived(let source) = values[graph.node[index].input[slot]],
      graph.node[source].opType == "Expand", let tensor = constantInput(of: source)
    else { return nil }
    let number = try tensor.floats(&budget)
    guard number.values.count == 1 else {
      throw unexpected(index, "one number expanded to a bias", "shape \(number.shape)")
    }
    return number.values[0]
  }

  /// The numbers in a constant vector, such as axes, which may have been reshaped to be one; nil if
  /// they are no constant.
  func integers(_ name: String) throws(ImportError) -> [Int64]? {
    switch values[name] {
    case .constant(let tensor): return try tensor.integers()
    case .derived(let source):
      guard graph.node[source].opType == "Reshape" else { return nil }
      return try constantInput(of: source)?.integers()
    default: return nil
    }
  }

  // MARK: - The graph

  func node(_ index: Int) -> Onnx_NodeProto { graph.node[index] }

  func name(_ index: Int) -> String {
    let node = graph.node[index]
    return node.name.isEmpty ? node.output.first ?? "" : node.name
  }

  /// Whether a value is the mean over all pixels.
  func isPooled(_ value: String) -> Bool {
    network.layers.last { $0.output == value }?.kind == .globalAveragePool
  }

  func unexpected(_ index: Int, _ expected: String, _ found: String) -> ImportError {
    .unexpectedNode(
      operation: graph.node[index].opType, name: name(index), expected: expected, found: found)
  }

  private func only(_ names: [String], _ what: String) throws(ImportError) -> String {
    guard names.count == 1 else {
      let shown = names.prefix(4).map { quoted($0) }.joined(separator: ", ")
      throw .malformed(
        part: "ONNX graph", offset: 0, expected: "one \(what)",
        found: names.isEmpty ? "none" : "\(names.count): \(shown)")
    }
    return names[0]
  }
}

extension Onnx_NodeProto {
  func integer(_ name: String, default value: Int64) -> Int64 {
    attribute.first { $0.name == name }?.i ?? value
  }

  func integers(_ name: String, default values: [Int64]) -> [Int64] {
    attribute.first { $0.name == name }?.ints ?? values
  }

  func float(_ name: String, default value: Float) -> Float {
    attribute.first { $0.name == name }?.f ?? value
  }
}
