// SPDX-License-Identifier: Apache-2.0

import SwiftProtobuf

extension ONNXWalk {
  /// Reads the average over all pixels and the classifier; `value` becomes the logits.
  mutating func readHead(_ value: inout String, _ tensors: inout [String: Tensor])
    throws(ImportError)
  {
    let pool = try next(value, ["GlobalAveragePool", "ReduceMean"])
    if graph.nodes[pool].opType == "ReduceMean" { try checkMean(pool) }
    value = graph.nodes[pool].output[0]
    while true {
      let node = try next(value, ["Flatten", "Reshape", "Squeeze", "Gemm", "MatMul"])
      value = graph.nodes[node].output[0]
      switch graph.nodes[node].opType {
      case "Gemm": return try readGemm(node, &tensors)
      case "MatMul": return try readMatrixProduct(node, &value, &tensors)
      case "Reshape": try checkReshape(node)
      case "Flatten":
        guard [1, -3].contains(graph.nodes[node].integer("axis", default: 1)) else {
          throw unexpected(node, "axis 1", "\(graph.nodes[node].integer("axis", default: 1))")
        }
      // Only dimensions of 1 can be squeezed.
      default: break
      }
    }
  }

  /// Axes are an attribute, since opset 18 an input.
  private func checkMean(_ index: Int) throws(ImportError) {
    let node = graph.nodes[index]
    var axes = node.integers("axes", default: [])
    if node.input.count > 1, let values = try graph.integers(node.input[1]) { axes = values }
    guard Set(axes.map { $0 < 0 ? $0 + 4 : $0 }) == [2, 3] else {
      throw unexpected(index, "the mean over axes 2 and 3", "\(axes.prefix(8))")
    }
  }

  /// A shape that is computed comes from the image's own, so only a constant one is looked at.
  private func checkReshape(_ index: Int) throws(ImportError) {
    let node = graph.nodes[index]
    guard node.input.count == 2, let shape = try graph.integers(node.input[1]) else { return }
    guard shape.count == 2, [-1, 0, 1].contains(shape[0]) else {
      throw unexpected(index, "a shape of 2 dimensions, the first -1, 0 or 1", "\(shape.prefix(8))")
    }
  }

  private mutating func readGemm(_ index: Int, _ tensors: inout [String: Tensor])
    throws(ImportError)
  {
    let node = graph.nodes[index]
    guard node.integer("transA", default: 0) == 0 else {
      throw unexpected(index, "transA 0", "\(node.integer("transA", default: 0))")
    }
    let matrix = try readMatrix(
      index, 1, isTransposed: node.integer("transB", default: 0) != 0)
    var bias: Tensor?
    if node.input.count > 2, !node.input[2].isEmpty { bias = try constant(index, 2) }
    try setHead(
      index, matrix, bias, &tensors, alpha: node.float("alpha", default: 1),
      beta: node.float("beta", default: 1))
  }

  private mutating func readMatrixProduct(
    _ index: Int, _ value: inout String, _ tensors: inout [String: Tensor]
  ) throws(ImportError) {
    let matrix = try readMatrix(index, 1, isTransposed: false)
    guard !graph.uses(of: value).isEmpty else {
      return try setHead(index, matrix, nil, &tensors, alpha: 1, beta: 1)
    }
    let sum = try next(value, ["Add"])
    guard graph.nodes[sum].input.count == 2 else {
      throw unexpected(sum, "two inputs", "\(graph.nodes[sum].input.count)")
    }
    value = graph.nodes[sum].output[0]
    let slot = graph.constant(graph.nodes[sum].input[0]) == nil ? 1 : 0
    try setHead(index, matrix, try constant(sum, slot), &tensors, alpha: 1, beta: 1)
  }

  /// The classifier's matrix as `[outputs, inputs]`; it may be behind a Transpose of its own.
  private mutating func readMatrix(_ index: Int, _ slot: Int, isTransposed: Bool)
    throws(ImportError) -> Tensor
  {
    var isTransposed = isTransposed
    let matrix: Tensor
    let node = graph.nodes[index]
    if slot < node.input.count, graph.constant(node.input[slot]) == nil,
      let transpose = graph.producer(of: node.input[slot]), transpose.opType == "Transpose",
      let source = transpose.input.first, let tensor = graph.constant(source)
    {
      isTransposed.toggle()
      matrix = try tensor.floats(&budget)
    } else {
      matrix = try constant(index, slot)
    }
    guard matrix.shape.count == 2 else {
      throw unexpected(index, "a matrix of weights", "shape \(matrix.shape.prefix(8))")
    }
    if isTransposed { return matrix }
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    try budget.reserve(elements: matrix.values.count)
    let view = StridedView(offset: 0, shape: [columns, rows], strides: [1, columns])
    return Tensor(shape: [columns, rows], values: view.gather(from: matrix.values))
  }

  private func setHead(
    _ index: Int, _ matrix: Tensor, _ bias: Tensor?, _ tensors: inout [String: Tensor],
    alpha: Float, beta: Float
  ) throws(ImportError) {
    let outputs = matrix.shape[0]
    if let bias, bias.values.count != outputs {
      throw unexpected(index, "a bias of \(outputs) values", "shape \(bias.shape.prefix(8))")
    }
    func scaled(_ values: [Float], _ factor: Float) -> [Float] {
      factor == 1 ? values : values.map { $0 * factor }
    }
    let weights = scaled(matrix.values, alpha)
    let shifts = scaled(bias?.values ?? [Float](repeating: 0, count: outputs), beta)
    try checkFinite(weights, tensor: "fc.weight")
    try checkFinite(shifts, tensor: "fc.bias")
    let naming = TensorNaming.torchvision
    tensors[naming.head + ".weight"] = Tensor(shape: matrix.shape, values: weights)
    tensors[naming.head + ".bias"] = Tensor(shape: [outputs], values: shifts)
  }
}
