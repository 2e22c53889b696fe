// SPDX-License-Identifier: Apache-2.0

import SwiftProtobuf

/// Follows an ONNX graph from its input to its output as far as it is a ResNet.
struct ONNXWalk {
  let graph: ONNXGraph
  var budget: DecodedBytes
  var structure = ONNXStructure()
  private var hasNorm = false
  /// Nodes that were met, each of which must be met once.
  private var isMet: Set<Int> = []

  init(_ graph: ONNXGraph, limits: ImportLimits) {
    self.graph = graph
    budget = DecodedBytes(limit: limits.decodedBytes)
  }

  mutating func run() throws(ImportError) -> (CheckpointContents, ONNXStructure) {
    var value = graph.input
    let stem = try readStem(&value)
    var blocks: [ONNXBlock] = []
    while graph.uses(of: value).count > 1 {
      blocks.append(try readBlock(&value, isFirst: blocks.isEmpty))
    }
    var contents = CheckpointContents()
    try readHead(&value, &contents.tensors)
    guard graph.isSame(value, graph.output) else {
      let node = graph.producer(of: graph.output) ?? Onnx_NodeProto()
      throw ONNXGraph.unexpected(node, "the classifier to be the output", "another node")
    }

    for (index, convolution) in stem.enumerated() {
      convolution.add(
        to: &contents.tensors, TensorNaming.torchvision.stem(index, of: stem.count))
    }
    let poolsShortcuts = blocks.contains { $0.isPooled }
    var stage = 0
    var place = 0
    for (index, block) in blocks.enumerated() {
      if index > 0 { place += 1 }
      if block.stride == 2 { (stage, place) = (stage + 1, 0) }
      for (index, convolution) in block.branch.enumerated() {
        convolution.add(
          to: &contents.tensors, TensorNaming.torchvision.branch(index, block: place, stage: stage))
      }
      block.shortcut?.add(
        to: &contents.tensors,
        TensorNaming.torchvision.shortcut(block: place, stage: stage, isPooled: poolsShortcuts))
      if let shortcut = block.shortcut, block.stride == 2, block.isPooled != poolsShortcuts {
        throw unexpected(shortcut.node, "an average pool before it as in other blocks", "none")
      }
    }
    return (contents, structure)
  }

  /// The convolutions up to the max pool: one of 7×7, or three of 3×3.
  private mutating func readStem(_ value: inout String) throws(ImportError) -> [ONNXConvolution] {
    var stem: [ONNXConvolution] = []
    while true {
      let node = try next(value, stem.isEmpty ? ["Conv"] : ["Conv", "MaxPool"])
      guard graph.nodes[node].opType == "Conv" else {
        guard stem.count == 1 || stem.count == 3 else {
          throw unexpected(node, "a stem of 1 or 3 convolutions before it", "\(stem.count)")
        }
        try require(
          node, kernel: 3, stride: 2, padding: 1, "a max pool of 3×3 with stride 2 and padding 1")
        guard graph.nodes[node].integer("ceil_mode", default: 0) == 0 else {
          throw unexpected(node, "a max pool with ceil_mode 0", "1")
        }
        value = graph.nodes[node].output[0]
        return stem
      }
      let convolution = try readConvolution(node, &value)
      let kernel = stem.isEmpty && convolution.kernelSize == 7 ? 7 : 3
      guard convolution.kernelSize == kernel, convolution.stride == (stem.isEmpty ? 2 : 1),
        stem.isEmpty || stem[0].kernelSize == 3
      else {
        throw unexpected(
          node, "a stem of one 7×7 or three 3×3 convolutions, the first with stride 2",
          describe(convolution))
      }
      stem.append(convolution)
      if graph.uses(of: value).contains(where: { isKind($0.node, ["MaxPool"]) }) {
        throw unexpected(
          node, "batch norm and ReLU behind it (pre-activation ResNets are not supported)", "none")
      }
      value = graph.nodes[try next(value, ["Relu"])].output[0]
    }
  }

  /// A node that uses `value` as its first input, the only one that does; its kind is one of
  /// `operations`.
  mutating func next(_ value: String, _ operations: [String]) throws(ImportError) -> Int {
    let uses = graph.uses(of: value)
    let expected = operations.joined(separator: " or ")
    guard let use = uses.first else {
      let node = graph.producer(of: value) ?? Onnx_NodeProto()
      throw ONNXGraph.unexpected(node, "\(expected) behind it", "no node")
    }
    let wrong = uses.first { !isKind($0.node, operations) } ?? (uses.count > 1 ? uses[1] : nil)
    if let wrong {
      throw unexpected(
        wrong.node, "\(expected) alone at this place", graph.nodes[wrong.node].opType)
    }
    guard use.slot == 0 || ["Add", "MatMul"].contains(graph.nodes[use.node].opType) else {
      throw unexpected(use.node, "the image's values as its first input", "them as another")
    }
    try meet(use.node)
    return use.node
  }

  /// Notes that a node was met, which must happen once, and that it has an output.
  mutating func meet(_ node: Int) throws(ImportError) {
    guard isMet.insert(node).inserted, !graph.nodes[node].output.isEmpty else {
      throw unexpected(node, "a node with an output that is met once", "it again or no output")
    }
  }

  func isKind(_ node: Int, _ operations: [String]) -> Bool {
    operations.contains(graph.nodes[node].opType)
      && ["", "ai.onnx"].contains(graph.nodes[node].domain)
  }

  /// A convolution and the batch norm behind it; `value` becomes their output.
  mutating func readConvolution(_ index: Int, _ value: inout String)
    throws(ImportError) -> ONNXConvolution
  {
    let node = graph.nodes[index]
    guard node.integer("group", default: 1) == 1 else {
      throw unexpected(
        index, "a convolution of one group (ResNeXt is not supported)",
        "\(node.integer("group", default: 1)) groups")
    }
    let weights = try constant(index, 1)
    guard weights.shape.count == 4, weights.shape[2] == weights.shape[3] else {
      throw unexpected(index, "weights of 4 dimensions with a square kernel", "\(weights.shape)")
    }
    let kernel = weights.shape[2]
    let stride = Int(clamping: node.integers("strides", default: [1, 1]).first ?? 0)
    guard [1, 3, 7].contains(kernel), [1, 2].contains(stride) else {
      throw unexpected(
        index, "a kernel of 1, 3 or 7 and a stride of 1 or 2", "\(kernel) and \(stride)")
    }
    try require(
      index, kernel: kernel, stride: stride, padding: kernel / 2,
      "equal strides, no dilation and half the kernel as padding")
    var convolution = ONNXConvolution(
      node: index, weights: weights, bias: nil, norm: nil, kernelSize: kernel, stride: stride)
    if node.input.count > 2, !node.input[2].isEmpty {
      convolution.bias = try readBias(index, count: weights.shape[0])
    }
    value = node.output[0]
    let uses = graph.uses(of: value)
    if uses.count == 1, isKind(uses[0].node, ["BatchNormalization"]) {
      convolution.norm = try readNorm(try next(value, ["BatchNormalization"]))
      value = graph.nodes[uses[0].node].output[0]
    }
    return convolution
  }

  /// A convolution's bias, which may be one number expanded to all channels.
  private mutating func readBias(_ index: Int, count: Int) throws(ImportError) -> Tensor {
    let value = graph.nodes[index].input[2]
    guard let expand = graph.producer(of: value), expand.opType == "Expand",
      let source = expand.input.first, let tensor = graph.constant(source)
    else { return try constant(index, 2) }
    let number = try tensor.floats(&budget)
    guard number.values.count == 1 else {
      throw unexpected(index, "one number expanded to a bias", "shape \(number.shape)")
    }
    try budget.reserve(elements: count)
    return Tensor(shape: [count], values: [Float](repeating: number.values[0], count: count))
  }

  private mutating func readNorm(_ index: Int) throws(ImportError) -> [Tensor] {
    let node = graph.nodes[index]
    guard node.integer("training_mode", default: 0) == 0 else {
      throw unexpected(index, "batch norm of a network in evaluation", "training_mode")
    }
    // The attribute is the float32 nearest to the decimal number that was meant.
    let epsilon = Double("\(node.float("epsilon", default: 1e-5))") ?? .nan
    guard (0...1).contains(epsilon), !hasNorm || epsilon == structure.normEpsilon else {
      throw unexpected(
        index, hasNorm ? "epsilon \(structure.normEpsilon) as before" : "epsilon from 0 to 1",
        "\(epsilon)")
    }
    hasNorm = true
    structure.normEpsilon = epsilon
    var norm: [Tensor] = []
    for slot in 1...4 { norm.append(try constant(index, slot)) }
    return norm
  }

  /// The constant in an input of a node.
  mutating func constant(_ index: Int, _ slot: Int) throws(ImportError) -> Tensor {
    let node = graph.nodes[index]
    guard slot < node.input.count, let tensor = graph.constant(node.input[slot]) else {
      throw unexpected(index, "a constant as input \(slot)", "none")
    }
    return try tensor.floats(&budget)
  }

  /// Checks the window of a convolution or pool.
  func require(_ index: Int, kernel: Int, stride: Int, padding: Int, _ expected: String)
    throws(ImportError)
  {
    let node = graph.nodes[index]
    let isPool = node.opType != "Conv"
    let kernels = node.integers(
      "kernel_shape", default: isPool ? [] : [Int64(kernel), Int64(kernel)])
    let strides = node.integers("strides", default: [1, 1])
    let pads = node.integers("pads", default: [0, 0, 0, 0])
    let dilations = node.integers("dilations", default: [1, 1])
    let mode = node.attribute.first { $0.name == "auto_pad" }?.s ?? .init()
    guard kernels == [Int64(kernel), Int64(kernel)], strides == [Int64(stride), Int64(stride)],
      pads == [Int64](repeating: Int64(padding), count: 4), dilations == [1, 1],
      mode.isEmpty || mode.elementsEqual("NOTSET".utf8)
    else {
      let name = String(decoding: mode, as: UTF8.self)
      throw unexpected(
        index, expected,
        "kernel \(kernels.prefix(4)), strides \(strides.prefix(4)), pads \(pads.prefix(8)), "
          + "dilations \(dilations.prefix(4))\(mode.isEmpty ? "" : ", auto_pad \(quoted(name))")")
    }
  }

  func describe(_ convolution: ONNXConvolution) -> String {
    "\(convolution.kernelSize)×\(convolution.kernelSize) with stride \(convolution.stride)"
  }

  func unexpected(_ node: Int, _ expected: String, _ found: String) -> ImportError {
    ONNXGraph.unexpected(graph.nodes[node], expected, found)
  }
}
