// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import SwiftProtobuf

/// Makes a network of an ONNX graph, node by node in the graph's order, which is one in which they can be computed.
struct ONNXGraphReader {
  /// What a name in the graph stands for.
  enum Value {
    /// A value of the network; a vector is one of 1×1 pixels without these two dimensions, or an image's values
    /// channel by channel and row by row.
    case layer(String, isVector: Bool)
    /// A vector with one dimension of 1 behind it, which becomes one of 1×1 pixels.
    case column(String)
    /// A value of 1×1 pixels, repeated to be as large as an image.
    case repeated(String)
    /// An image to which the next layer adds pixels.
    case view(ONNXView)
    /// The graph's input, or what nodes that only prepare it make of it.
    case image(ONNXImage)
    /// What is made of logits at the end, which only an output may be.
    case result(String)
    /// What a node that cannot be read makes, which matters if the output depends on it.
    case failed(ImportError)
    case constant(Onnx_TensorProto)
    /// Integers that are computed of constants and shapes.
    case integers(ONNXIntegers)
    /// What a node makes of constants or of a shape alone.
    case derived(node: Int)
  }

  var budget: DecodedBytes
  private(set) var input = ONNXInput(Onnx_ValueInfoProto())
  private(set) var uses = ONNXReaders(Onnx_GraphProto())
  /// The image as the layers read it, once one does.
  var settled: ONNXImage?
  /// The heights and widths of values, as far as they are known.
  var sizes: [String: Network.Extent] = [:]
  private(set) var graph: Onnx_GraphProto
  let limits: ImportLimits
  let externalData: ONNXExternalData?
  var values: [String: Value] = [:]
  /// The layers that make values, by their places, and these values' channels.
  var makers: [String: Int] = [:]
  var channels: [String: Int] = [:]
  /// Values of 1×1 pixels however large the image is, and values of which none is below 0.
  private var points: Set<String> = []
  private var rectified: Set<String> = []
  /// How many convolutions of other weights read each bias.
  private(set) var biasReaders: [String: Int] = [:]
  /// How often each name is read, so that a tensor is let go when it was taken for the last time.
  private var readers: [String: Int] = [:]
  var network = Network(source: Network.Source(format: ONNXModel.format))

  init(
    _ graph: consuming Onnx_GraphProto, limits: ImportLimits, fileBytes: Int,
    externalData: ONNXExternalData?
  ) {
    self.graph = graph
    self.limits = limits
    self.externalData = externalData
    budget = DecodedBytes(limits, fileBytes: fileBytes)
  }

  /// - Parameter wanted: the output to take if there are several; nil for the classifier's.
  mutating func run(output wanted: String?) throws(ImportError) -> Network {
    try checkLimit(graph.node.count, limits.nodes, "nodes in the ONNX graph")
    if let node = graph.node.first(where: {
      $0.opType.lowercased().contains("quantize") || Self.integers.contains($0.opType)
    }) {
      throw .unsupportedFormat(
        looksLike: "a quantized ONNX model (\(quoted(node.opType)); give the float one)")
    }
    for tensor in graph.initializer {
      guard values.updateValue(.constant(tensor), forKey: tensor.name) == nil else {
        throw .duplicateTensor(name: tensor.name)
      }
    }
    graph.initializer = []
    // Until IR version 4 initializers were among the inputs.
    let inputs = graph.input.filter { values[$0.name] == nil }
    guard inputs.count == 1 else { throw malformed("one input", inputs.map(\.name)) }
    input = ONNXInput(inputs[0])
    values[inputs[0].name] = .image(ONNXImage())
    uses = ONNXReaders(graph)
    var biased: Set<[String]> = []
    for node in graph.node {
      for input in node.input { readers[input, default: 0] += 1 }
      if node.opType == "Conv", node.input.count > 2,
        biased.insert(Array(node.input[1...2])).inserted
      {
        biasReaders[node.input[2], default: 0] += 1
      }
    }
    for index in graph.node.indices { try read(index) }
    network.outputs = try outputs(wanted)
    network.removeUnused()
    joinBlocks()
    return network
  }

  private mutating func read(_ index: Int) throws(ImportError) {
    let node = graph.node[index]
    guard let output = node.output.first, !output.isEmpty, values[output] == nil else {
      throw unexpected(index, "a new name for its output", "\(quoted(node.output.first ?? ""))")
    }
    do {
      values[output] = try value(of: index)
    } catch {
      if case .limitExceeded = error { throw error }
      values[output] = .failed(error)
    }
    // Constants in a node are kept as values only.
    if node.opType == "Constant" { graph.node[index].attribute = [] }
  }

  mutating func value(of index: Int) throws(ImportError) -> Value {
    let node = graph.node[index]
    let isStandard = ["", "ai.onnx"].contains(node.domain)
    for input in node.input where !input.isEmpty && values[input] == nil {
      throw unexpected(index, "inputs that nodes before it make", quoted(input))
    }
    var readsLayers = false
    for input in node.input {
      switch values[input] {
      case .failed(let error): throw error
      case .layer, .column, .repeated, .view, .image, .result: readsLayers = true
      default: break
      }
    }
    guard isStandard, !["Shape", "Size"].contains(node.opType), readsLayers else {
      guard isStandard || !readsLayers else { throw foreign(index) }
      return isStandard ? try constant(index) : .derived(node: index)
    }
    if ONNXReaders.passing.contains(node.opType), let first = node.input.first,
      let value = values[first]
    {
      return value
    }
    for (slot, input) in node.input.enumerated() {
      if case .image(let image) = values[input] {
        if let image = try prepared(image, index) { return .image(image) }
        try settle(image, index)
        values[input] = .layer(Network.image, isVector: false)
      }
      guard case .view(let view) = values[input] else { continue }
      if slot == 0, let value = try taken(view, by: index) { return value }
      values[input] = try made(view)
    }
    if ["Add", "Sub", "Mul", "Div"].contains(node.opType) { return try arithmetic(index) }
    switch values[node.input[0]] {
    case .layer(let input, let isVector): return try layer(index, input, isVector: isVector)
    case .column(let input) where node.opType == "Unsqueeze":
      return try unsqueezed(index, input, rank: 3)
    default: throw unexpected(index, "the image's values as its first input", "another")
    }
  }

  /// What a node makes of a value of the network.
  private mutating func layer(_ index: Int, _ input: String, isVector: Bool) throws(ImportError)
    -> Value
  {
    let node = graph.node[index]
    switch node.opType {
    case "BatchNormalization": return try normed(index, try batchNorm(index), input, isVector)
    case "Relu": return append(index, .relu, [input], isVector: isVector)
    case "Clip": return append(index, try clamp(index), [input], isVector: isVector)
    case "PRelu", "LeakyRelu":
      let slopes = try slopes(index, input, isVector)
      return append(index, .prelu(slopes: slopes), [input], isVector: isVector)
    case "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Expand":
      return try shaped(index, input, isVector)
    case "Transpose":
      // Of 1×1 pixels it moves no value.
      guard isPoint(input), !isVector, node.integers("perm", default: []).first == 0 else {
        throw foreign(index)
      }
      return .layer(input, isVector: false)
    case "Gather":
      try checkGathering(index, channels[input], isVector)
      return .layer(input, isVector: true)
    case "Sigmoid" where uses.isRead(node.output[0]) || !isLinear(input) || !isVector:
      return append(index, .sigmoid, [input], isVector: isVector)
    case "Softmax", "LogSoftmax", "Sigmoid": return try dropResult(index, input, isVector)
    case "Gemm", "MatMul":
      guard isVector else { throw unexpected(index, "a vector", "an image") }
      let linear = try linear(index)
      try checkCount(of: linear, input, index)
      return append(index, .linear(linear), [input], isVector: true)
    case "Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "ReduceMean", "Pad", "Slice":
      guard !isVector else { throw unexpected(index, "an image", "a vector") }
    default: throw foreign(index)
    }
    switch node.opType {
    case "Conv": return try convolved(index, input)
    case "MaxPool": return append(index, .maxPool(try pool(index, sizes[input])), [input])
    case "AveragePool":
      let pool = try pool(index, sizes[input])
      let isWhole = pool.kernel == sizes[input] && pool.padding == Network.Padding(0)
      return append(index, isWhole ? .globalAveragePool : .averagePool(pool), [input])
    case "Pad": return try padded(index, ONNXView(value: input, node: index))
    case "Slice": return try sliced(index, ONNXView(value: input, node: index))
    default:
      let keeps = node.opType == "GlobalAveragePool" || node.integer("keepdims", default: 1) != 0
      if node.opType == "ReduceMean" { try checkMean(index) }
      return append(index, .globalAveragePool, [input], isVector: !keeps)
    }
  }

  /// What a node makes of constants or of a shape.
  private mutating func constant(_ index: Int) throws(ImportError) -> Value {
    let node = graph.node[index]
    if node.opType == "Constant" { return constant(node, index) }
    if ONNXReaders.passing.contains(node.opType), let input = node.input.first,
      case .constant = values[input]
    {
      return .constant(take(input, index))
    }
    return try computed(index).map { .integers($0) } ?? .derived(node: index)
  }

  /// Operations of integers, which only quantized models have.
  private static let integers: Set = [
    "ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul", "QLinearAdd", "QGemm",
  ]

  /// Leaves out what makes probabilities of logits, which is not a layer's.
  private mutating func dropResult(_ index: Int, _ input: String, _ isVector: Bool)
    throws(ImportError) -> Value
  {
    let node = graph.node[index]
    guard isVector, let place = makers[input], case .linear(let linear) = network.layers[place].kind
    else { throw foreign(index) }
    if node.opType == "Sigmoid", linear.outputCount > 1 {
      throw unexpected(
        index, "logits of one label as result",
        "independent probabilities (multi-label), which are not supported")
    }
    let axis = node.integer("axis", default: 1)
    guard node.opType == "Sigmoid" || axis == 1 || axis == -1 else {
      throw unexpected(index, "axis 1", "\(axis)")
    }
    network.source.notes.append("left out the final \(node.opType): the plan's results are logits")
    return .result(input)
  }

  func foreign(_ index: Int) -> ImportError {
    unexpected(
      index,
      "an operation of a convolutional network (Conv, BatchNormalization, Relu, Clip, Add, "
        + "MaxPool, AveragePool, GlobalAveragePool, Gemm …)", quoted(graph.node[index].opType))
  }

  mutating func append(
    _ index: Int, _ kind: Network.Kind, _ inputs: [String], isVector: Bool = false
  ) -> Value {
    let output = valueName(index)
    makers[output] = network.layers.count
    channels[output] = kind.channels ?? channels[inputs[0]]
    if kind.isPoint(inputs.allSatisfy(points.contains)) { points.insert(output) }
    if kind.isRectified(inputs.allSatisfy(rectified.contains)) { rectified.insert(output) }
    sizes[output] = points.contains(output) ? 1 : sizes[inputs[0]].flatMap { kind.size(of: $0) }
    network.layers.append(
      Network.Layer(
        name: name(index), block: block(index, kind, inputs), kind: kind, inputs: inputs,
        output: output))
    return .layer(output, isVector: isVector)
  }

  /// Lets a layer make the result of a node behind it. Who reads its own result finds no such value.
  mutating func replace(_ value: String, _ kind: Network.Kind, by index: Int, isVector: Bool)
    -> Value
  {
    guard let place = makers.removeValue(forKey: value) else { preconditionFailure("no layer") }
    let output = valueName(index)
    network.layers[place].kind = kind
    network.layers[place].output = output
    makers[output] = place
    channels[output] = channels.removeValue(forKey: value)
    sizes[output] = sizes.removeValue(forKey: value)
    if points.remove(value) != nil { points.insert(output) }
    return .layer(output, isVector: isVector)
  }

  /// What the network calls the value that a node makes. What is not the image must not have its name.
  func valueName(_ index: Int) -> String {
    let made = graph.node[index].output[0]
    return made == Network.image ? "\(made) of \(name(index))" : made
  }

  private func constant(_ node: Onnx_NodeProto, _ index: Int) -> Value {
    var tensor = Onnx_TensorProto()
    guard let attribute = node.attribute.first else { return .derived(node: index) }
    switch attribute.name {
    case "value": tensor = attribute.t
    case "value_int", "value_ints":
      tensor.dataType = Onnx_TensorProto.int64
      tensor.int64Data = attribute.name == "value_int" ? [attribute.i] : attribute.ints
      if attribute.name == "value_ints" { tensor.dims = [Int64(attribute.ints.count)] }
    case "value_float", "value_floats":
      tensor.dataType = Onnx_TensorProto.float32
      tensor.floatData = attribute.name == "value_float" ? [attribute.f] : attribute.floats
      if attribute.name == "value_floats" { tensor.dims = [Int64(attribute.floats.count)] }
    default: return .derived(node: index)
    }
    tensor.name = node.output[0]
    return .constant(tensor)
  }

  // MARK: - Constants

  /// The constant in an input of a node.
  mutating func floats(_ index: Int, _ slot: Int) throws(ImportError) -> Tensor {
    let inputs = graph.node[index].input
    let name = slot < inputs.count ? inputs[slot] : ""
    switch values[name] {
    case .constant: return try take(name, index).floats(&budget, externalData)
    case .derived(let source) where graph.node[source].opType == "Transpose":
      guard let tensor = constantInput(of: source) else { break }
      let weights = try tensor.floats(&budget, externalData)
      return try transposed(try matrix(weights, source))
    case .derived(let source) where graph.node[source].opType == "Unsqueeze":
      guard let tensor = constantInput(of: source) else { break }
      return try unsqueezed(try tensor.floats(&budget, externalData), source)
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
    let input = graph.node[index].input.first ?? ""
    return if case .constant(let tensor) = values[input] { tensor } else { nil }
  }

  func matrix(_ tensor: Tensor, _ index: Int) throws(ImportError) -> Tensor {
    // A dimension beside one of 0 may be of any size.
    if tensor.shape.count == 2, !tensor.values.isEmpty { return tensor }
    throw unexpected(index, "a matrix of weights", "shape \(tensor.shape.prefix(8))")
  }

  mutating func transposed(_ matrix: Tensor) throws(ImportError) -> Tensor {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    try budget.reserve(elements: matrix.values.count)
    let view = StridedView(offset: 0, shape: [columns, rows], strides: [1, columns])
    return Tensor(shape: [columns, rows], values: view.gather { matrix.values[$0] })
  }

  /// The one number that an Expand in an input of a node repeats; nil if there is none.
  mutating func expanded(_ index: Int, _ slot: Int) throws(ImportError) -> Float? {
    guard case .derived(let source) = values[graph.node[index].input[slot]],
      graph.node[source].opType == "Expand", let tensor = constantInput(of: source)
    else { return nil }
    let number = try tensor.floats(&budget, externalData)
    guard number.values.count == 1 else {
      throw unexpected(index, "one number expanded to a bias", "shape \(number.shape)")
    }
    return number.values[0]
  }

  /// The numbers in a constant vector, such as axes, which may have been reshaped to be one; nil if
  /// they are no constant.
  mutating func integers(_ name: String) throws(ImportError) -> [Int64]? {
    switch values[name] {
    case .constant(let tensor): return try tensor.integers(&budget, externalData)
    case .integers(let integers): return integers.known
    case .derived(let source):
      guard graph.node[source].opType == "Reshape" else { return nil }
      return try constantInput(of: source)?.integers(&budget, externalData)
    default: return nil
    }
  }

  // MARK: - The graph

  func node(_ index: Int) -> Onnx_NodeProto { graph.node[index] }

  func name(_ index: Int) -> String {
    let node = graph.node[index]
    return node.name.isEmpty ? node.output.first ?? "" : node.name
  }

  /// Whether a value is the mean over all pixels, or what layers make of it: 1×1 pixels.
  func isPoint(_ value: String) -> Bool { points.contains(value) }

  func isRectified(_ value: String) -> Bool { rectified.contains(value) }

  /// Whether a linear layer makes a value.
  func isLinear(_ value: String) -> Bool {
    if let place = makers[value], case .linear = network.layers[place].kind { true } else { false }
  }

  func channelCount(_ value: String) -> Int { channels[value] ?? 3 }

  func isImage(_ name: String) -> Bool {
    if case .image = values[name] { true } else { false }
  }

  func unexpected(_ index: Int, _ expected: String, _ found: String) -> ImportError {
    .unexpectedNode(
      operation: graph.node[index].opType, name: name(index), expected: expected, found: found)
  }

  func malformed(_ expected: String, _ found: String) -> ImportError {
    .malformed(part: "ONNX graph", offset: 0, expected: expected, found: found)
  }

  func malformed(_ expected: String, _ names: [String]) -> ImportError {
    let shown = names.prefix(4).map { quoted($0) }.joined(separator: ", ")
    return malformed(expected, names.isEmpty ? "none" : "\(names.count): \(shown)")
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

  func text(_ name: String, default value: String) -> String {
    attribute.first { $0.name == name }.map { String(decoding: $0.s, as: UTF8.self) } ?? value
  }
}
