// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

@Suite struct HostileONNXTests {
  private func varint(_ value: UInt64) -> [UInt8] {
    var value = value
    var bytes: [UInt8] = []
    while value >= 0x80 {
      bytes.append(UInt8(value & 0x7f) | 0x80)
      value >>= 7
    }
    return bytes + [UInt8(value)]
  }

  /// A field with wire type 2.
  private func field(_ number: UInt64, _ contents: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(UInt64(contents.count)) + contents
  }

  private let version: [UInt8] = [0x08, 0x08]

  @Test func manySmallMessagesAreCountedBeforeTheyAreMade() {
    // Each empty node takes two bytes here and a hundred when decoded.
    let nodes = [[UInt8]](repeating: [0x0a, 0x00], count: 1 << 19).flatMap { $0 }
    expectError(
      errorLoadingNetwork(version + field(7, nodes)), "limitExceeded", "\(1 << 18) fields")
    // The same one level deeper, and integers, packed or not.
    let attributes = [[UInt8]](repeating: [0x2a, 0x00], count: 1 << 19).flatMap { $0 }
    let dimensions = [[UInt8]](repeating: [0x08, 0x01], count: 1 << 19).flatMap { $0 }
    let integers = [UInt8](repeating: 1, count: 1 << 19)
    for message in [
      field(1, attributes), field(5, dimensions), field(5, field(1, integers)),
      field(5, field(7, integers)), field(1, field(5, field(8, integers))),
    ] {
      #expect(errorLoadingNetwork(version + field(7, message))?.kind == "limitExceeded")
    }
  }

  @Test func recursionIsHarmless() {
    // A graph in an attribute (field 6) of a node of a graph, and so on.
    var nested: [UInt8] = []
    for _ in 0..<10_000 { nested = field(1, field(5, field(6, nested))) }
    #expect(errorLoadingNetwork(version + field(7, nested)) != nil)
    // Groups, which could be nested at one byte each.
    let groups = version + [0x12, 0] + [UInt8](repeating: 0x3b, count: 100_000)
    #expect(errorLoadingNetwork(groups)?.kind == "malformed")
    let inside = [UInt8](repeating: 0x0b, count: 100_000)
    #expect(errorLoadingNetwork(version + field(7, inside))?.kind == "malformed")
    let deeper = [UInt8](repeating: 0x1b, count: 100_000)
    #expect(errorLoadingNetwork(version + field(7, field(1, field(5, field(6, deeper))))) != nil)
  }

  @Test func lengthsBeyondTheFileAreRefused() {
    for length in [UInt64](arrayLiteral: 100, 1 << 31, 1 << 32, 1 << 63, .max) {
      let error = errorLoadingNetwork(version + [0x3a] + varint(length) + [0, 0])
      #expect(error?.kind == "malformed", "\(length)")
    }
    // An integer without end.
    let endless = version + [0x3a] + [UInt8](repeating: 0xff, count: 20)
    #expect(errorLoadingNetwork(endless)?.kind == "malformed")
  }

  @Test func decodedBytesAreLimited() throws {
    var limits = ImportLimits()
    limits.decodedBytes = 64
    let file = try onnxFile(Network(.example(narrow(.resnet18))))
    expectError(
      errorLoadingNetwork(file, limits: limits), "limitExceeded", "64 bytes of decoded tensors")
  }

  /// A model of one node beside the image: what is in `graph`.
  private func model(_ graph: Onnx_GraphProto) throws -> [UInt8] {
    try Onnx_ModelProto.with {
      $0.irVersion = 8
      $0.opsetImport = [.with { $0.version = 17 }]
      $0.graph = graph
    }.serializedBytes()
  }

  private func graph(_ nodes: [Onnx_NodeProto], _ tensors: [Onnx_TensorProto]) -> Onnx_GraphProto {
    .with {
      $0.input = [.with { $0.name = "image" }]
      $0.output = [.with { $0.name = nodes.last?.output.first ?? "" }]
      $0.node =
        [node("GlobalAveragePool", ["image"], "mean"), node("Flatten", ["mean"], "vector")] + nodes
      $0.initializer = tensors
    }
  }

  private func node(_ operation: String, _ inputs: [String], _ output: String) -> Onnx_NodeProto {
    .with { ($0.opType, $0.input, $0.output) = (operation, inputs, [output]) }
  }

  private func tensor(_ name: String, _ dimensions: [Int64], _ values: [Float])
    -> Onnx_TensorProto
  {
    .with { ($0.name, $0.dims, $0.dataType, $0.floatData) = (name, dimensions, 1, values) }
  }

  /// Beside a dimension of 0 the others take no bytes, however large they are, but as many biases.
  @Test(arguments: [[1 << 40, 0], [0, 1 << 40], [0, 0], [0, 3], [3, 0]] as [[Int64]])
  func classifierWithoutWeightsIsRefused(dimensions: [Int64]) throws {
    for operation in ["Gemm", "MatMul"] {
      let classifier = node(operation, ["vector", "w"], "logits")
      let file = try model(graph([classifier], [tensor("w", dimensions, [])]))
      expectError(errorLoadingNetwork(file), "unexpectedNode", "a matrix of weights")
    }
  }

  /// Each sum adds to the bias, and its name does not grow.
  @Test func manySumsBehindAClassifierAreOneBias() throws {
    let count = 4_000
    let sums = (0..<count).map {
      node("Add", [$0 == 0 ? "logits" : "sum\($0)", "b"], "sum\($0 + 1)")
    }
    let file = try model(
      graph(
        [node("MatMul", ["vector", "w"], "logits")] + sums,
        [tensor("w", [3, 1], [1, 2, 3]), tensor("b", [1], [0.5])]))
    let network = try loadNetwork(file)
    guard case .linear(let linear) = network.layers.last?.kind else {
      Issue.record("expected a linear layer at the end")
      return
    }
    #expect(linear.bias == [Float(count) / 2])
    #expect(network.layers.last?.output == "sum\(count)")
  }

  /// One tensor that many nodes read is decoded for each.
  @Test func readingOneTensorManyTimesIsLimited() throws {
    let floats = (0..<2_000).map { node("MatMul", ["vector", "w"], "logits\($0)") }
    let large = tensor("w", [3, 4096], [Float](repeating: 1, count: 3 * 4096))
    let places = Onnx_TensorProto.with {
      ($0.name, $0.dims, $0.dataType) = ("p", [4096], 7)
      $0.rawData = .init((0..<4096).flatMap { littleEndian(Int64($0)) })
    }
    let integers = (0..<2_000).map { node("Reshape", ["vector", "p"], "v\($0)") }
    for (nodes, tensor) in [(floats, large), (integers, places)] {
      let file = try model(graph(nodes, [tensor]))
      expectError(
        errorLoadingNetwork(file), "limitExceeded", "bytes of decoded tensors in a file of")
    }
  }

  @Test func nodesAreLimited() throws {
    let nodes = (0..<1 << 14).map { node("Relu", [$0 == 0 ? "vector" : "v\($0)"], "v\($0 + 1)") }
    #expect(
      errorLoadingNetwork(try model(graph(nodes, [])))
        == .limitExceeded(what: "nodes in the ONNX graph", limit: 1 << 14, found: 2 + 1 << 14))
  }
}
