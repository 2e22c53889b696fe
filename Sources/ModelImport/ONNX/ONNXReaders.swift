// SPDX-License-Identifier: Apache-2.0

/// Who reads the results of nodes, also through nodes that only pass them on or give them another shape.
struct ONNXReaders {
  /// Operations that pass their first input on when a network is not trained. Cast changes the
  /// precision, which the plan decides; CastLike takes it from a second input.
  static let passing: Set = ["Identity", "Dropout", "Cast", "CastLike"]
  private static let shaping: Set = ["Flatten", "Reshape", "Squeeze", "Unsqueeze"]

  private var counts: [String: Int] = [:]
  private var outputs: Set<String>

  init(_ graph: Onnx_GraphProto) {
    outputs = Set(graph.output.map(\.name))
    // From the end, so that who reads a node's result is known before the node.
    for node in graph.node.reversed() {
      let passes = Self.passing.contains(node.opType) || Self.shaping.contains(node.opType)
      for (slot, input) in node.input.enumerated() {
        guard passes, slot == 0, let output = node.output.first else {
          counts[input, default: 0] += 1
          continue
        }
        counts[input, default: 0] += counts[output] ?? 0
        if outputs.contains(output) { outputs.insert(input) }
      }
    }
  }

  /// Whether another node than those makes something of a result.
  func isRead(_ name: String) -> Bool { counts[name] ?? 0 > 0 }

  /// Whether one such node, and no output, reads a result.
  func isReadOnce(_ name: String) -> Bool { counts[name] == 1 && !outputs.contains(name) }
}
