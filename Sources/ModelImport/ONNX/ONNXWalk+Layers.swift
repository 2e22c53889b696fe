// SPDX-License-Identifier: Apache-2.0

extension ONNXWalk {
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
}
