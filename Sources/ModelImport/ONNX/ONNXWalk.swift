// SPDX-License-Identifier: Apache-2.0

import SwiftProtobuf

/// Follows an ONNX graph from its input to its output as far as it is a ResNet.
struct ONNXWalk {
  let graph: ONNXGraph
  var budget: DecodedBytes
  var structure = ONNXStructure()
  var hasNorm = false
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

  func describe(_ convolution: ONNXConvolution) -> String {
    "\(convolution.kernelSize)×\(convolution.kernelSize) with stride \(convolution.stride)"
  }

  func unexpected(_ node: Int, _ expected: String, _ found: String) -> ImportError {
    ONNXGraph.unexpected(graph.nodes[node], expected, found)
  }
}
