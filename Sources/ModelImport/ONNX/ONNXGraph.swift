// SPDX-License-Identifier: Apache-2.0

import SwiftProtobuf

/// The nodes of an ONNX graph by what they make and use, with nodes that change nothing looked
/// through.
struct ONNXGraph {
  /// A place where a value is used.
  struct Use {
    var node: Int
    var slot: Int
  }

  let nodes: [Onnx_NodeProto]
  /// The one input that is no initializer, and the one output.
  let input, output: String

  private var producers: [String: Int] = [:]
  private var usesByValue: [String: [Use]] = [:]
  private var initializers: [String: Onnx_TensorProto] = [:]
  /// For the output of a node without effect, what it passes on.
  private var origins: [String: String] = [:]

  /// Operations that pass their first input on when a network is not trained. Cast changes the
  /// precision, which the plan decides; CastLike takes it from a second input.
  private static let passing: Set = ["Identity", "Dropout", "Cast", "CastLike"]
  /// Operations that only ask for a shape, for a Reshape.
  private static let asking: Set = ["Shape", "Size"]

  init(_ graph: Onnx_GraphProto) throws(ImportError) {
    nodes = graph.node
    for tensor in graph.initializer {
      guard initializers.updateValue(tensor, forKey: tensor.name) == nil else {
        throw .duplicateTensor(name: tensor.name)
      }
    }
    // Until IR version 4 initializers were among the inputs.
    var inputs: [String] = []
    for value in graph.input where initializers[value.name] == nil { inputs.append(value.name) }
    input = try Self.only(inputs, "input")
    output = try Self.only(graph.output.map(\.name), "output")

    for (index, node) in nodes.enumerated() {
      for value in node.output where !value.isEmpty {
        guard producers.updateValue(index, forKey: value) == nil, initializers[value] == nil,
          value != input
        else {
          throw Self.unexpected(node, "a new name for its output", "\(quoted(value)) again")
        }
      }
    }
    try findOrigins()
    for (index, node) in nodes.enumerated() where !isPassing(node) {
      guard !Self.asking.contains(node.opType) else { continue }
      for (slot, value) in node.input.enumerated() where !value.isEmpty {
        usesByValue[origin(of: value), default: []].append(Use(node: index, slot: slot))
      }
    }
  }

  /// Where a value is used, by nodes that do something with it.
  func uses(of value: String) -> [Use] { usesByValue[origin(of: value)] ?? [] }

  /// Whether two names stand for the same value.
  func isSame(_ first: String, _ second: String) -> Bool { origin(of: first) == origin(of: second) }

  /// The tensor that a value always is, if it is an initializer or the output of a Constant.
  func constant(_ value: String) -> Onnx_TensorProto? {
    let value = origin(of: value)
    if let tensor = initializers[value] { return tensor }
    guard let node = producer(of: value), node.opType == "Constant" else { return nil }
    guard let attribute = node.attribute.first else { return nil }
    var tensor: Onnx_TensorProto
    switch attribute.name {
    case "value": tensor = attribute.t
    case "value_ints":
      tensor = Onnx_TensorProto()
      tensor.dataType = Onnx_TensorProto.int64
      tensor.dims = [Int64(attribute.ints.count)]
      tensor.int64Data = attribute.ints
    default: return nil
    }
    tensor.name = value
    return tensor
  }

  /// The numbers in a constant vector, such as axes, which may have been reshaped to be one; nil if
  /// they are no constant.
  func integers(_ value: String) throws(ImportError) -> [Int64]? {
    if let tensor = constant(value) { return try tensor.integers() }
    guard let node = producer(of: value), node.opType == "Reshape", let source = node.input.first
    else { return nil }
    return try constant(source)?.integers()
  }

  /// The node that makes a value.
  func producer(of value: String) -> Onnx_NodeProto? {
    producers[origin(of: value)].map { nodes[$0] }
  }

  static func unexpected(_ node: Onnx_NodeProto, _ expected: String, _ found: String) -> ImportError
  {
    let name = node.name.isEmpty ? node.output.first ?? "" : node.name
    return .unexpectedNode(operation: node.opType, name: name, expected: expected, found: found)
  }

  private func origin(of value: String) -> String { origins[value] ?? value }

  private func isPassing(_ node: Onnx_NodeProto) -> Bool {
    Self.passing.contains(node.opType) && ["", "ai.onnx"].contains(node.domain)
      && !node.input.isEmpty
  }

  private mutating func findOrigins() throws(ImportError) {
    for node in nodes where isPassing(node) {
      // Each chain is followed once: the values on it then have their origin.
      var chain: [String] = []
      var value = node.output.first ?? ""
      while origins[value] == nil, let index = producers[value], isPassing(nodes[index]),
        nodes[index].output.first == value
      {
        guard chain.count <= nodes.count else {
          throw Self.unexpected(node, "nodes without cycles", "a cycle")
        }
        chain.append(value)
        value = nodes[index].input[0]
      }
      let end = origin(of: value)
      for value in chain { origins[value] = end }
    }
  }

  private static func only(_ names: [String], _ what: String) throws(ImportError) -> String {
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
