// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

extension ONNXGraphReader {
  /// The outputs of the network: of a classifier features and logits, otherwise those of the graph.
  ///
  /// - Parameter wanted: the graph's output to take; nil for the classifier's, or for all if there is none.
  mutating func outputs(_ wanted: String?) throws(ImportError) -> [Network.Output] {
    let names = graph.output.map(\.name)
    if let wanted, !names.contains(wanted) { throw .noSuchWeights(name: wanted) }
    guard !names.isEmpty, names.allSatisfy({ values[$0] != nil }) else {
      throw malformed("outputs that nodes make", names)
    }
    for name in names where wanted ?? name == name {
      if case .view(let view) = values[name] { values[name] = try made(view) }
    }
    if let classifier = try classifier(wanted, names) { return classifier }
    return try others(wanted.map { [$0] } ?? names)
  }

  /// Features and logits, if an output is the result of a linear layer that reads the pooled vector, or what is made of
  /// it at the end.
  private mutating func classifier(_ wanted: String?, _ names: [String]) throws(ImportError)
    -> [Network.Output]?
  {
    var found: [(output: String, value: String)] = []
    for name in names where wanted ?? name == name {
      switch values[name] {
      case .layer(let value, isVector: true), .result(let value):
        if isLinear(value), let place = makers[value], isPoint(network.layers[place].inputs[0]) {
          found.append((name, value))
        }
      default: break
      }
    }
    guard let (output, value) = found.first, let place = makers[value] else { return nil }
    guard Set(found.map(\.value)).count == 1 else {
      throw .severalNetworks(names: found.map(\.output))
    }
    if names.count > 1 {
      network.source.notes.append(
        "took the output \(quoted(output)), left out \(names.count - 1) others")
    }
    return [
      .init(name: "features", value: network.layers[place].inputs[0], role: .features),
      .init(name: "logits", value: value, role: .logits),
    ]
  }

  /// The graph's outputs by their names, as far as layers make them; the first pooled vector is the features.
  private mutating func others(_ names: [String]) throws(ImportError) -> [Network.Output] {
    var outputs: [Network.Output] = []
    var reason: ImportError?
    for name in names {
      guard name.utf8.count <= limits.nameBytes else {
        throw .limitExceeded(
          what: "bytes in the name of an output", limit: limits.nameBytes, found: name.utf8.count)
      }
      guard !outputs.contains(where: { $0.name == name }) else {
        throw malformed("outputs of different names", "two \(quoted(name))")
      }
      switch values[name] {
      case .layer(let value, _), .column(let value), .result(let value):
        guard let place = makers[value] else { break }
        let isPooled = network.layers[place].kind == .globalAveragePool
        let isFeatures = isPooled && !outputs.contains { $0.role == .features }
        outputs.append(.init(name: name, value: value, role: isFeatures ? .features : .other))
        continue
      case .failed(let error): reason = reason ?? error
      default: break
      }
      network.source.notes.append("left out the output \(quoted(name)), which no layer makes")
    }
    guard !outputs.isEmpty else {
      throw reason ?? malformed("outputs that layers make", names)
    }
    return outputs
  }
}
