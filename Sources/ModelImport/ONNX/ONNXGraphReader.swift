// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import SwiftProtobuf

/// Makes a network of an ONNX graph, node by node in the graph's order, which is one in which they can be computed.
struct ONNXGraphReader {
  /// What a name in the graph stands for.
  private enum Value {
    /// A value of the network; a vector is a value of 1×1 pixels without these two dimensions.
    case layer(String, isVector: Bool)
    /// The graph's input, or what nodes that only prepare it make of it.
    case image(ONNXImage)
    /// What is made of logits at the end, which only an output may be.
    case result(String)
    /// What a node that cannot be read makes, which matters if the output depends on it.
    case failed(ImportError)
    case constant(Onnx_TensorProto)
    /// What a node makes of constants or of a shape alone.
    case derived(node: Int)
  }

  var budget: DecodedBytes
  private(set) var input = ONNXInput(Onnx_ValueInfoProto())
  /// The image as the layers read it, once one does.
  var settled: ONNXImage?
  /// The heights and widths of values, as far as they are known.
  var sizes: [String: Network.Extent] = [:]
  private var graph: Onnx_GraphProto
  private let limits: ImportLimits
  private let externalData: ONNXExternalData?
  private var values: [String: Value] = [:]
  /// The layers that make values, by their places, and these values' channels.
  private var makers: [String: Int] = [:]
  private var channels: [String: Int] = [:]
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
    let (value, layer) = try classifier(wanted)
    network.outputs = [
      .init(name: "features", value: layer.inputs[0], role: .features),
      .init(name: "logits", value: value, role: .logits),
    ]
    network.removeUnused()
    return network
  }

  /// The linear layer whose result, or what is made of it at the end, is an output.
  private mutating func classifier(_ wanted: String?) throws(ImportError) -> (
    value: String, layer: Network.Layer
  ) {
    var found: [(output: String, value: String)] = []
    let outputs = graph.output.map(\.name)
    if let wanted, !outputs.contains(wanted) { throw .noSuchWeights(name: wanted) }
    guard let first = outputs.first, outputs.allSatisfy({ values[$0] != nil }) else {
      throw malformed("outputs that nodes make", outputs)
    }
    for output in outputs where wanted ?? output == output {
      switch values[output] {
      case .layer(let value, isVector: true), .result(let value):
        if let place = makers[value], case .linear = network.layers[place].kind {
          found.append((output, value))
        }
      default: break
      }
    }
    guard let (output, value) = found.first, let place = makers[value] else {
      if case .failed(let error) = values[wanted ?? first] { throw error }
      throw malformed(
        "a classifier's result as output",
        "no classifier (linear layer) behind \(quoted(wanted ?? first))")
    }
    guard Set(found.map(\.value)).count == 1 else {
      throw .severalNetworks(names: found.map(\.output))
    }
    if outputs.count > 1 {
      network.source.notes.append(
        "took the output \(quoted(output)), left out \(outputs.count - 1) others")
    }
    return (value, network.layers[place])
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

  private mutating func value(of index: Int) throws(ImportError) -> Value {
    let node = graph.node[index]
    let isStandard = ["", "ai.onnx"].contains(node.domain)
    for input in node.input where !input.isEmpty && values[input] == nil {
      throw unexpected(index, "inputs that nodes before it make", quoted(input))
    }
    var readsLayers = false
    for input in node.input {
      switch values[input] {
      case .failed(let error): throw error
      case .layer, .image, .result: readsLayers = true
      default: break
      }
    }
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
    if Self.passing.contains(node.opType), let first = node.input.first, let value = values[first] {
      return value
    }
    for input in node.input {
      guard case .image(let image) = values[input] else { continue }
      if let image = try prepared(image, index) { return .image(image) }
      try settle(image, index)
      values[input] = .layer(Network.image, isVector: false)
    }
    guard case .layer(let input, let isVector) = values[node.input[0]] else {
      if node.opType == "Add" { return try addBias(index, slot: 0) }
      throw unexpected(index, "the image's values as its first input", "another")
    }
    switch node.opType {
    case "Conv": return append(index, .convolution(try convolution(index)), [input])
    case "BatchNormalization": return append(index, .batchNorm(try batchNorm(index)), [input])
    case "Relu": return append(index, .relu, [input], isVector: isVector)
    case "Clip": return append(index, try clamp(index), [input], isVector: isVector)
    case "MaxPool": return append(index, .maxPool(try pool(index)), [input])
    case "AveragePool":
      let pool = try pool(index)
      let isWhole = pool.kernel == sizes[input] && pool.padding == Network.Padding(0)
      return append(index, isWhole ? .globalAveragePool : .averagePool(pool), [input])
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
    case "Transpose":
      // Of 1×1 pixels it moves no value.
      guard isPooled(input), !isVector, node.integers("perm", default: []).first == 0 else {
        throw foreign(index)
      }
      return .layer(input, isVector: false)
    case "Gather":
      try checkGathering(index, channels[input], isVector)
      return .layer(input, isVector: true)
    case "Softmax", "LogSoftmax", "Sigmoid": return try dropResult(index, input, isVector)
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
    let output = valueName(index)
    makers[output] = network.layers.count
    channels[output] = kind.channels ?? channels[inputs[0]]
    sizes[output] = sizes[inputs[0]].flatMap { kind.size(of: $0) }
    network.layers.append(
      Network.Layer(name: name, block: name, kind: kind, inputs: inputs, output: output))
    return .layer(output, isVector: isVector)
  }

  /// What the network calls the value that a node makes. What is not the image must not have its name.
  private func valueName(_ index: Int) -> String {
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

  /// The sum of a linear layer and a constant, which becomes part of its bias.
  private mutating func addBias(_ index: Int, slot: Int) throws(ImportError) -> Value {
    let inputs = graph.node[index].input
    guard inputs.count == 2, case .layer(let value, true) = values[inputs[1 - slot]],
      let place = makers[value], case .linear(var linear) = network.layers[place].kind
    else {
      throw unexpected(
        index, "the sum of two values of the network, or a linear layer's bias", "another")
    }
    // A bias stays as it is, even if it is -0, where there was none.
    linear.bias = zip(linear.bias, try bias(index, slot, linear.outputCount))
      .map { $0 == 0 ? $1 : $0 + $1 }
    try checkFinite(linear.bias, tensor: "\(name(index)) bias")
    // Who reads the sum without its bias finds no such value.
    let output = valueName(index)
    network.layers[place].kind = .linear(linear)
    network.layers[place].output = output
    (makers[value], channels[value]) = (nil, nil)
    (makers[output], channels[output]) = (place, linear.outputCount)
    return .layer(output, isVector: true)
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

  /// Whether a value is the mean over all pixels.
  func isPooled(_ value: String) -> Bool {
    makers[value].map { network.layers[$0].kind == .globalAveragePool } ?? false
  }

  /// Whether a name stands for the image as layers read it.
  func isImageLayer(_ name: String) -> Bool {
    if case .layer(Network.image, _) = values[name] { true } else { false }
  }

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

  private func malformed(_ expected: String, _ names: [String]) -> ImportError {
    let shown = names.prefix(4).map { quoted($0) }.joined(separator: ", ")
    return malformed(expected, names.isEmpty ? "none" : "\(names.count): \(shown)")
  }
}

extension Network.Kind {
  /// The channels that a layer makes; nil for those of its input.
  fileprivate var channels: Int? {
    switch self {
    case .convolution(let convolution): convolution.outputChannels
    case .linear(let linear): linear.outputCount
    default: nil
    }
  }

  /// The height and width that a layer makes of those of its input; nil if that is not known.
  fileprivate func size(of input: Network.Extent) -> Network.Extent? {
    func output(
      _ kernel: Network.Extent, _ stride: Network.Extent, _ padding: Network.Padding,
      dilation: Network.Extent = Network.Extent(1)
    ) -> Network.Extent? {
      let height =
        input.height + padding.top + padding.bottom - (kernel.height - 1) * dilation.height - 1
      let width =
        input.width + padding.left + padding.right - (kernel.width - 1) * dilation.width - 1
      guard height >= 0, width >= 0 else { return nil }
      return Network.Extent(height / stride.height + 1, width / stride.width + 1)
    }
    switch self {
    case .convolution(let layer):
      return output(layer.kernel, layer.stride, layer.padding, dilation: layer.dilation)
    case .maxPool(let pool), .averagePool(let pool):
      return pool.roundsUp ? nil : output(pool.kernel, pool.stride, pool.padding)
    case .globalAveragePool, .linear: return Network.Extent(1)
    case .add, .batchNorm, .clamp: return input
    }
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
