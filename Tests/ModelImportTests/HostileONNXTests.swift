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

  // MARK: - Operations of the family

  /// A model whose last node's result is the output, with an input of 3 × 8 × 8 pixels behind a convolution of as many
  /// channels, `x`, and a ReLU, `r`.
  private func family(
    _ nodes: [Onnx_NodeProto], _ tensors: [Onnx_TensorProto] = [], size: Int64 = 8
  ) throws -> [UInt8] {
    let graph = Onnx_GraphProto.with {
      $0.input = [
        .with {
          $0.name = "image"
          $0.type.tensorType.shape.dim = [1, 3, size, size].map { size in
            .with { $0.dimValue = size }
          }
        }
      ]
      $0.output = [.with { $0.name = nodes.last?.output.first ?? "" }]
      $0.node = [node("Conv", ["image", "k"], "x"), node("Relu", ["x"], "r")] + nodes
      $0.initializer =
        [tensor("k", [3, 3, 1, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9])] + tensors
    }
    return try model(graph)
  }

  private func node(
    _ operation: String, _ inputs: [String], _ output: String, _ attributes: [Onnx_AttributeProto]
  ) -> Onnx_NodeProto {
    var node = node(operation, inputs, output)
    node.attribute = attributes
    return node
  }

  private func integers(_ name: String, _ values: [Int64]) -> Onnx_AttributeProto {
    attribute(name) { $0.ints = values }
  }

  private func places(_ name: String, _ values: [Int64], shape: [Int64]? = nil)
    -> Onnx_TensorProto
  {
    .with {
      ($0.name, $0.dims) = (name, shape ?? [Int64(values.count)])
      ($0.dataType, $0.int64Data) = (7, values)
    }
  }

  private let ones = [Float](repeating: 1, count: 64)

  @Test(arguments: [[2], [4, 1, 1], [3], [1, 3], [3, 1], [3, 8, 8], [0]] as [[Int64]])
  func slopesAreThoseOfTheChannels(shape: [Int64]) throws {
    let count = Int(shape.reduce(1, *))
    let slopes = tensor("s", shape, [Float](repeating: 0.25, count: count))
    expectError(
      errorLoadingNetwork(try family([node("PRelu", ["x", "s"], "y")], [slopes])),
      "unexpectedNode", "a number for each of 3 channels")
  }

  @Test func slopesAreRead() throws {
    for (shape, count) in [([3, 1, 1], 3), ([1, 3, 1, 1], 3), ([1], 1), ([], 1), ([1, 1, 1], 1)]
      as [([Int64], Int)]
    {
      let slopes = tensor("s", shape, [Float](repeating: 0.25, count: count))
      let network = try loadNetwork(family([node("PRelu", ["x", "s"], "y")], [slopes]))
      #expect(network.layers.last?.kind == .prelu(slopes: [0.25, 0.25, 0.25]), "\(shape)")
      #expect(network.outputs == [.init(name: "y", value: "y", role: .other)])
    }
  }

  /// Of a reflected image nothing but a blur is read, and of 1 pixel there is nothing to reflect.
  @Test func reflectionsAreOfOnePixel() throws {
    let blur = [1, 2, 1, 2, 4, 2, 1, 2, 1].map { Float($0) / 16 }
    func file(
      _ pads: [Int64], size: Int64 = 8, weights: [Float]? = nil, group: Int64 = 3
    ) throws -> [UInt8] {
      let reflect = attribute("mode") { $0.s = .init("reflect".utf8) }
      return try family(
        [
          node("Pad", ["x", "p"], "padded", [reflect]),
          node("Conv", ["padded", "b"], "y", [attribute("group") { $0.i = group }]),
        ],
        [
          places("p", pads), tensor("b", [3, 3 / group, 3, 3], weights ?? blur + blur + blur),
        ], size: size)
    }
    let all: [Int64] = [0, 0, 1, 1, 0, 0, 1, 1]
    #expect(try loadNetwork(file(all)).layers.last?.kind == .blurPool(stride: 1))
    #expect(try loadNetwork(file(all, size: 2)).layers.last?.kind == .blurPool(stride: 1))
    let wrong = [
      try file(all, size: 1), try file([0, 0, 2, 2, 0, 0, 2, 2]),
      try file([0, 0, 1, 1, 0, 0, 1, 0]),
      try file([0, 1, 1, 1, 0, 1, 1, 1]), try file([0, 0, .max, 1, 0, 0, .max, 1]),
      try file([0, 0, -1, -1, 0, 0, -1, -1]), try file([1, 1]), try file([]),
      try file([1, 0, 1, 1, 1, 0, 1, 1]),
      try file(all, weights: blur + blur + blur.map { $0 / 2 }),
      try file(all, weights: [Float](repeating: 1, count: 81), group: 1),
    ]
    for (place, file) in wrong.enumerated() {
      #expect(errorLoadingNetwork(file)?.kind == "unexpectedNode", "\(place)")
    }
    // Another reader than a convolution.
    let reflect = attribute("mode") { $0.s = .init("reflect".utf8) }
    let other = try family(
      [node("Pad", ["x", "p"], "padded", [reflect]), node("Relu", ["padded"], "y")],
      [places("p", all)])
    expectError(errorLoadingNetwork(other), "unexpectedNode", "(Pad)", "a blur by [1 2 1]")
  }

  @Test func padsAreTakenUp() throws {
    func last(
      _ operation: String, _ input: String = "r", _ pads: [Int64] = [0, 0, 0, 1, 0, 0, 2, 3]
    ) throws -> [Network.Kind] {
      let size = integers("kernel_shape", [5, 5])
      let inputs = operation == "Conv" ? ["padded", "w"] : ["padded"]
      let file = try family(
        [node("Pad", [input, "p"], "padded"), node(operation, inputs, "y", [size])],
        [places("p", pads), tensor("w", [1, 3, 5, 5], [Float](repeating: 1, count: 75))])
      return try loadNetwork(file).layers.map(\.kind).suffix(2)
    }
    let padding = Network.Padding(top: 0, left: 1, bottom: 2, right: 3)
    guard case .convolution(let convolution) = try last("Conv")[1] else {
      Issue.record("expected a convolution")
      return
    }
    #expect(convolution.padding == padding)
    var pool = Network.Pool(kernel: 5, stride: 1, padding: padding)
    #expect(try last("MaxPool")[1] == .maxPool(pool))
    pool.countsPadding = true
    #expect(try last("AveragePool", "x")[1] == .averagePool(pool))
    // 0 is not the least of values of both signs: the padding is a layer of its own.
    let kinds = try last("MaxPool", "x")
    guard case .convolution(let copy) = kinds[0] else {
      Issue.record("expected a convolution")
      return
    }
    #expect(copy.padding == padding && copy.weights == [1, 0, 0, 0, 1, 0, 0, 0, 1])
    #expect(kinds[1] == .maxPool(Network.Pool(kernel: 5, stride: 1)))
  }

  @Test(
    arguments: [
      [0, 0, 1 << 20 + 1, 0, 0, 0, 0, 0], [0, 0, .max, .max, 0, 0, .max, .max],
      [0, 0, .min, 0, 0, 0, 0, 0], [0, 1 << 17, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0],
      [0, 0, 1], [],
    ] as [[Int64]])
  func padsAreLimited(pads: [Int64]) throws {
    let file = try family([node("Pad", ["x", "p"], "y")], [places("p", pads)])
    expectError(errorLoadingNetwork(file), "unexpectedNode", "(Pad)")
  }

  @Test func padsTogetherAreLimited() throws {
    let many = (0..<4).map { node("Pad", [$0 == 0 ? "x" : "p\($0)", "p"], "p\($0 + 1)") }
    let file = try family(many, [places("p", [0, 0, 1 << 19, 0, 0, 0, 0, 0])])
    expectError(errorLoadingNetwork(file), "unexpectedNode", "at most 1048576 added pixels")
    // Weights that few bytes ask for: 65,539 channels of as many.
    let wide = (0..<2).flatMap {
      [
        node("Pad", [$0 == 0 ? "x" : "r0", "p"], "w\($0)"), node("Relu", ["w\($0)"], "r\($0)"),
      ]
    }
    expectError(
      errorLoadingNetwork(try family(wide, [places("p", [0, 1 << 16, 0, 0, 0, 0, 0, 0])])),
      "limitExceeded", "bytes of decoded tensors")
    for (mode, value) in [("constant", 1), ("edge", 0), ("wrap", 0)] as [(String, Float)] {
      let attributes = [
        attribute("mode") { $0.s = .init(mode.utf8) }, attribute("value") { $0.f = value },
        integers("pads", [0, 0, 1, 1, 0, 0, 1, 1]),
      ]
      let file = try family([node("Pad", ["x"], "y", attributes)])
      #expect(errorLoadingNetwork(file)?.kind == "unexpectedNode", "\(mode)")
    }
  }

  @Test func slicesAreStrides() throws {
    func file(_ numbers: [[Int64]]) throws -> [UInt8] {
      let names = ["starts", "ends", "axes", "steps"]
      return try family(
        [node("Slice", ["x"] + names, "y")], zip(names, numbers).map { places($0, $1) })
    }
    let network = try loadNetwork(file([[0, 0], [.max, 8], [2, -1], [2, 3]]))
    #expect(
      network.layers.last?.kind
        == .maxPool(Network.Pool(kernel: 1, stride: Network.Extent(2, 3))))
    let wrong: [[[Int64]]] = [
      [[1], [.max], [2], [2]], [[0], [7], [2], [2]], [[0], [.max], [2], [.max]],
      [[0], [.max], [2], [0]], [[0], [.max], [2], [-1]], [[-1], [.min], [2], [-1]],
      [[0], [.max], [1], [2]], [[0], [2], [1], [1]], [[0], [.max], [4], [1]],
      [[0], [.max], [.min], [1]], [[0, 0], [.max, .max], [2, -2], [2, 2]],
      [[0], [.max], [2], [2, 2]], [[0], [.max], [], [2]],
      [[0, 0, 0, 0, 0], [9, 9, 9, 9, 9], [0, 1, 2, 3, 4], [1, 1, 1, 1, 1]],
    ]
    for (place, numbers) in wrong.enumerated() {
      #expect(errorLoadingNetwork(try file(numbers))?.kind == "unexpectedNode", "\(place)")
    }
    // Strides multiply.
    let many = (0..<4).map {
      node("Slice", [$0 == 0 ? "x" : "s\($0)", "b", "e", "a", "f"], "s\($0 + 1)")
    }
    let steps = [places("b", [0]), places("e", [.max]), places("a", [3]), places("f", [1 << 19])]
    #expect(errorLoadingNetwork(try family(many, steps))?.kind == "unexpectedNode")
  }

  @Test func gatesHaveOneNumberForEachChannel() throws {
    func file(_ outputs: Int64, _ input: String = "m") throws -> [UInt8] {
      try family(
        [
          node("GlobalAveragePool", ["x"], "m"), node("Conv", [input, "w"], "g"),
          node("Sigmoid", ["g"], "s"), node("Mul", ["s", "x"], "y"),
        ], [tensor("w", [outputs, 3, 1, 1], Array(ones.prefix(Int(outputs) * 3)))])
    }
    let kinds = try loadNetwork(file(3)).layers.suffix(3)
    #expect(kinds.map(\.kind).suffix(2) == [.sigmoid, .multiply])
    #expect(kinds.last?.inputs == ["x", "s"])
    guard case .linear = kinds.first?.kind else {
      Issue.record("expected a linear layer")
      return
    }
    for file in [try file(2), try file(1), try file(3, "x")] {
      #expect(errorLoadingNetwork(file)?.kind == "unexpectedNode")
    }
  }

  /// A linear layer's weights are those of all values, in the order of a flattened image.
  @Test func imagesAreFlattened() throws {
    func file(_ count: Int64, _ shape: [Int64]) throws -> [UInt8] {
      try family(
        [node("Reshape", ["x", "s"], "v"), node("MatMul", ["v", "w"], "y")],
        [places("s", shape), tensor("w", [count, 1], [Float](repeating: 1, count: Int(count)))],
        size: 2)
    }
    for shape in [[1, -1], [-1, 12], [0, 12], [1, 12]] as [[Int64]] {
      let network = try loadNetwork(file(12, shape))
      #expect(network.outputs == [.init(name: "y", value: "y", role: .other)], "\(shape)")
    }
    #expect(errorLoadingNetwork(try file(3, [1, -1]))?.kind == "unexpectedNode")
    for shape in [
      [-1, 3], [-1, -1], [2, 6], [12], [1, 12, 1], [1, 3, 1, 1], [.max, .max], [],
    ]
      as [[Int64]]
    {
      #expect(errorLoadingNetwork(try file(12, shape))?.kind == "unexpectedNode", "\(shape)")
    }
  }

  /// Nodes that compute integers neither recurse nor grow.
  @Test func computedIntegersStaySmall() throws {
    let doubled = (0..<2_000).map {
      node("Concat", [String](repeating: $0 == 0 ? "p" : "c\($0)", count: 2), "c\($0 + 1)", [])
    }
    let pad = node("Pad", ["x", "c2000"], "y")
    expectError(
      errorLoadingNetwork(try family(doubled + [pad], [places("p", [0])])), "unexpectedNode",
      "constant pads")
    let products = (0..<70).map {
      node("Mul", [$0 == 0 ? "p" : "c\($0)", "p"], "c\($0 + 1)")
    }
    let reshape = node("Reshape", ["x", "c70"], "y")
    #expect(
      errorLoadingNetwork(try family(products + [reshape], [places("p", [2, 2])]))?.kind
        == "unexpectedNode")
    for value in [.max, -1, 1 << 40] as [Int64] {
      let fill = attribute("value") { $0.t = places("", [0]) }
      let nodes = [node("ConstantOfShape", ["p"], "c", [fill]), node("Pad", ["x", "c"], "y")]
      #expect(
        errorLoadingNetwork(try family(nodes, [places("p", [value])]))?.kind == "unexpectedNode")
    }
  }

  /// Padding that keeps the number of strides needs a size, unless the stride is 1.
  @Test func automaticPadsAreComputed() throws {
    func padding(_ mode: String, stride: Int64, size: Int64) throws -> Network.Padding? {
      let file = try family(
        [
          node(
            "Conv", ["x", "w"], "y",
            [
              attribute("auto_pad") { $0.s = .init(mode.utf8) },
              integers("strides", [stride, stride]),
            ])
        ], [tensor("w", [1, 3, 4, 4], Array(ones.prefix(48)))], size: size)
      guard case .convolution(let layer) = try loadNetwork(file).layers.last?.kind else {
        return nil
      }
      return layer.padding
    }
    #expect(
      try padding("SAME_UPPER", stride: 1, size: 0)
        == Network.Padding(top: 1, left: 1, bottom: 2, right: 2))
    #expect(
      try padding("SAME_LOWER", stride: 1, size: 8)
        == Network.Padding(top: 2, left: 2, bottom: 1, right: 1))
    #expect(try padding("SAME_UPPER", stride: 2, size: 8) == Network.Padding(1))
    #expect(
      try padding("SAME_UPPER", stride: 2, size: 7)
        == Network.Padding(top: 1, left: 1, bottom: 2, right: 2))
    #expect(try padding("SAME_UPPER", stride: 8, size: 8) == Network.Padding(0))
    #expect(try padding("VALID", stride: 2, size: 8) == Network.Padding(0))
    #expect(throws: ImportError.self) { try padding("SAME_UPPER", stride: 2, size: 0) }
  }

  /// Batch norms that were taken apart.
  @Test func constantsForChannelsAreNorms() throws {
    let constants = [tensor("m", [1, 3, 1, 1], [2, 4, 8]), tensor("a", [3, 1, 1], [1, 2, 3])]
    let file = try family(
      [node("Mul", ["x", "m"], "y"), node("Sub", ["y", "a"], "z")], constants)
    let ones: [Float] = [1, 1, 1]
    #expect(
      try loadNetwork(file).layers.last?.kind
        == .batchNorm(
          Network.BatchNorm(
            gamma: [2, 4, 8], beta: [-1, -2, -3], mean: [0, 0, 0], variance: ones, epsilon: 0)))
    for (operation, shape) in [
      ("Mul", [3]), ("Add", [3, 8, 8]), ("Div", [2, 1, 1]), ("Pow", [3, 1, 1]),
    ] as [(String, [Int64])] {
      let count = Int(shape.reduce(1, *))
      let constant = tensor("c", shape, [Float](repeating: 1, count: count))
      #expect(
        errorLoadingNetwork(try family([node(operation, ["x", "c"], "y")], [constant]))?.kind
          == "unexpectedNode", "\(operation)")
    }
    let zero = tensor("c", [1], [0])
    #expect(
      errorLoadingNetwork(try family([node("Div", ["x", "c"], "y")], [zero]))?.kind == "nonFinite")
  }
}
