// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// The layers that read each value, by their places; an output of the network counts as one that is no layer.
  struct Uses {
    private(set) var layers: [String: [Int]] = [:]
    private var outputs: Set<String>
    private var makers: [String: Int] = [:]

    init(_ network: Network) {
      outputs = Set(network.outputs.map(\.value))
      for (index, layer) in network.layers.enumerated() {
        for input in layer.inputs { layers[input, default: []].append(index) }
        makers[layer.output] = index
      }
    }

    /// The one layer that reads a value; nil if there are others or if it is an output.
    func only(of value: String) -> Int? {
      guard let users = layers[value], users.count == 1, !outputs.contains(value) else {
        return nil
      }
      return users[0]
    }

    /// The layer that makes a value; nil for the image.
    func maker(of value: String) -> Int? { makers[value] }
  }

  /// Lets readers of one value read another instead.
  mutating func replace(_ value: String, by other: String) {
    for index in layers.indices {
      layers[index].inputs = layers[index].inputs.map { $0 == value ? other : $0 }
    }
    for index in outputs.indices where outputs[index].value == value {
      outputs[index].value = other
    }
  }

  /// Removes layers of which no output needs the result.
  mutating func removeUnused() {
    var needed = Set(outputs.map(\.value))
    for layer in layers.reversed() where needed.contains(layer.output) {
      needed.formUnion(layer.inputs)
    }
    layers.removeAll { !needed.contains($0.output) }
  }
}
