// SPDX-License-Identifier: Apache-2.0

extension ONNXWalk {
  /// One of the two ways through a block.
  private struct Path {
    var convolutions: [ONNXConvolution] = []
    var isPooled = false
    /// The node that adds the ways.
    var sum = 0
  }

  /// Reads the block whose input is `value`, which becomes its output.
  mutating func readBlock(_ value: inout String, isFirst: Bool) throws(ImportError) -> ONNXBlock {
    let uses = graph.uses(of: value)
    guard uses.count == 2 else {
      throw unexpected(uses[2].node, "a block's branch and shortcut", "a third way")
    }
    for use in uses where isKind(use.node, ["BatchNormalization"]) {
      throw unexpected(
        use.node, "batch norm behind a convolution (pre-activation ResNets are not supported)",
        "it before")
    }
    var branch = try readPath(uses[0], value)
    var shortcut = try readPath(uses[1], value)
    if branch.convolutions.count < shortcut.convolutions.count { swap(&branch, &shortcut) }
    guard branch.sum == shortcut.sum else {
      throw unexpected(branch.sum, "the sum of branch and shortcut", "another")
    }
    try meet(branch.sum)
    guard (2...3).contains(branch.convolutions.count), shortcut.convolutions.count <= 1,
      !branch.isPooled, !shortcut.isPooled || shortcut.convolutions.count == 1
    else {
      throw unexpected(
        branch.sum, "the sum of 2 or 3 convolutions and a shortcut of at most 1",
        "\(branch.convolutions.count) and \(shortcut.convolutions.count)")
    }
    let stride = try checkBranch(branch.convolutions, isFirst: isFirst)
    if let convolution = shortcut.convolutions.first {
      let found = convolution.stride * (shortcut.isPooled ? 2 : 1)
      guard convolution.kernelSize == 1, found == stride, isFirst || stride == 2 else {
        throw unexpected(
          convolution.node, "a 1×1 convolution with the branch's stride where a stage begins",
          describe(convolution))
      }
    } else if stride != 1 {
      throw unexpected(branch.sum, "a convolution in the shortcut of a branch with stride", "none")
    }
    value = graph.nodes[try next(graph.nodes[branch.sum].output[0], ["Relu"])].output[0]
    return ONNXBlock(
      branch: branch.convolutions, shortcut: shortcut.convolutions.first,
      isPooled: shortcut.isPooled, stride: stride)
  }

  /// The convolutions from `use` on up to an addition.
  private mutating func readPath(_ use: ONNXGraph.Use, _ start: String) throws(ImportError) -> Path
  {
    var path = Path()
    var value = start
    var node = use.node
    if isKind(node, ["AveragePool"]) {
      try meet(node)
      try require(
        node, kernel: 2, stride: 2, padding: 0, "an average pool of 2×2 with stride 2, no padding")
      path.isPooled = true
      value = graph.nodes[node].output[0]
      node = try next(value, ["Conv"])
    } else if isKind(node, ["Conv"]) {
      guard use.slot == 0 else {
        throw unexpected(node, "the image's values as its first input", "them as another")
      }
      try meet(node)
    }
    while isKind(node, ["Conv"]) {
      path.convolutions.append(try readConvolution(node, &value))
      let uses = graph.uses(of: value)
      if uses.count == 1, isKind(uses[0].node, ["Add"]) {
        node = uses[0].node
        break
      }
      value = graph.nodes[try next(value, ["Relu", "Add"])].output[0]
      node = try next(value, ["Conv"])
    }
    guard isKind(node, ["Add"]), graph.nodes[node].output.count == 1 else {
      throw unexpected(
        node, "Conv, AveragePool or Add at the start of a block", graph.nodes[node].opType)
    }
    path.sum = node
    return path
  }

  /// Checks kernels and strides of a branch; returns its stride.
  private mutating func checkBranch(_ branch: [ONNXConvolution], isFirst: Bool)
    throws(ImportError) -> Int
  {
    let kernels = branch.count == 2 ? [3, 3] : [1, 3, 1]
    for (convolution, kernel) in zip(branch, kernels) where convolution.kernelSize != kernel {
      throw unexpected(convolution.node, "a kernel of \(kernel)×\(kernel)", describe(convolution))
    }
    let strided = branch.indices.filter { branch[$0].stride == 2 }
    guard let place = strided.first else { return 1 }
    guard strided.count == 1, place <= branch.count - 2, !isFirst else {
      throw unexpected(
        branch[place].node, "a stride in one of the first convolutions, from the second stage on",
        describe(branch[place]))
    }
    if branch.count == 3 {
      guard structure.hasStrideInFirstConvolution ?? (place == 0) == (place == 0) else {
        throw unexpected(
          branch[place].node, "the stride in the same convolution as in other blocks",
          "convolution \(place + 1) of the branch")
      }
      structure.hasStrideInFirstConvolution = place == 0
    }
    return 2
  }
}
