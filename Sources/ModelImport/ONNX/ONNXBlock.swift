// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// Finds the blocks of a network in the names that PyTorch's modules have.
enum ONNXBlock {
  /// `layer1.0` in `/layer1/layer1.0/conv1/Conv` and `layer1.0.conv1.weight`, `stages.0.blocks.1` in the same way;
  /// nil if there is none.
  static func named(_ name: String) -> String? {
    guard name.utf8.count <= 1 << 10 else { return nil }
    var parts: [Substring] = []
    for scope in name.split(separator: "/") {
      let own = scope.split(separator: ".")
      // The name of a module in a list begins with the list's.
      if own.count > 1, own.first == parts.last { parts.removeLast() }
      parts += own
    }
    for (place, part) in parts.enumerated() {
      let rest = parts[(place + 1)...]
      guard let number = rest.first, isNumber(number) else { continue }
      if part.hasPrefix("layer"), isNumber(part.dropFirst(5)) { return "\(part).\(number)" }
      guard part == "stages" else { continue }
      let block = rest.dropFirst().prefix(2)
      guard let list = block.first, ["blocks", "layers"].contains(list), block.count == 2,
        let last = block.last, isNumber(last)
      else { return "\(part).\(number)" }
      return "\(part).\(number).\(list).\(last)"
    }
    return nil
  }

  private static func isNumber(_ text: Substring) -> Bool {
    (1...3).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }
}

extension ONNXGraphReader {
  /// The block of a layer: that of its own name or its weights', or of the layers before it if it has no weights; its
  /// own name if none tells.
  func block(_ index: Int, _ kind: Network.Kind, _ inputs: [String]) -> String {
    let node = node(index)
    var names = [node.name, node.output[0]]
    switch kind {
    case .convolution, .batchNorm, .prelu, .linear: names += node.input.dropFirst().prefix(1)
    default: break
    }
    for name in names {
      if let block = ONNXBlock.named(name) { return block }
    }
    // A name of modules outside of blocks tells something, too.
    switch kind {
    case .add, .multiply, .clamp, .sigmoid, .blurPool:
      if node.name.hasPrefix("/") { return name(index) }
      let makers = inputs.compactMap { self.makers[$0] }.sorted(by: >)
      return makers.map { network.layers[$0] }.first { $0.block != $0.name }?.block ?? name(index)
    default: return name(index)
    }
  }

  /// Gives layers whose names tell nothing the block of the layers before and behind them, if that is one.
  mutating func joinBlocks() {
    for place in network.layers.indices.dropFirst().dropLast() {
      let (before, behind) = (network.layers[place - 1], network.layers[place + 1])
      guard network.layers[place].block == network.layers[place].name,
        before.block == behind.block, before.block != before.name
      else { continue }
      network.layers[place].block = before.block
    }
  }
}
