// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// Makes other values of the network its outputs and removes the layers of which none of them needs the result.
  ///
  /// A name is that of an output, of a layer or of a part of the network as PyTorch names modules: `layer2` is what
  /// comes out of its last block, `layer2.0.bn1` of that batch norm. Of an ONNX model it may be the name of a value.
  ///
  /// - Parameter names: at least one, each once.
  /// - Throws: `GraphError.unknownOutput` or `.repeatedOutput`.
  public mutating func selectOutputs(_ names: [String]) throws(GraphError) {
    var selected: [Output] = []
    for name in names {
      guard let value = value(named: name) else {
        throw .unknownOutput(name: name, known: outputNames)
      }
      guard !selected.contains(where: { $0.name == name }) else {
        throw .repeatedOutput(name: name)
      }
      let role = outputs.first { $0.value == value }?.role ?? .other
      let isFirst = !selected.contains { $0.role == role }
      selected.append(Output(name: name, value: value, role: isFirst ? role : .other))
    }
    outputs = selected
    removeUnused()
  }

  /// The value that a name stands for.
  private func value(named name: String) -> String? {
    if let output = outputs.first(where: { $0.name == name }) { return output.value }
    if let value = aliases[name] { return value }
    // In a graph values have names of their own; otherwise layers have them.
    if config == nil, layers.contains(where: { $0.output == name }) { return name }
    if let layer = layers.first(where: { $0.name == name }) { return layer.output }
    return layers.last { $0.block == name || $0.block.hasPrefix(name + ".") }?.output
  }

  /// The names that people look for: of outputs, parts and blocks, in their order.
  private var outputNames: [String] {
    var names: [String] = []
    for layer in layers where layer.block != "stem" && layer.block != "head" {
      // The stage of timm's `stages.0.blocks.0` has two parts.
      let parts = layer.block.split(separator: ".", omittingEmptySubsequences: false)
      let stage = parts.prefix(parts[0] == "stages" ? 2 : 1).joined(separator: ".")
      for name in [stage, layer.block] where !names.contains(name) { names.append(name) }
    }
    return names + outputs.map(\.name)
  }
}
