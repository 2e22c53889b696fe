// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// Folds each batch norm into the convolution or linear layer before it, if nothing else reads that.
  ///
  /// For output channel `o`, with `s = γ[o] / sqrt(variance[o] + ε)`, the weights become `w * s` and
  /// the bias `β[o] + (b[o] - mean[o]) * s`, where `b` is the convolution's own bias, if it has one.
  /// That is computed in float64 and rounded once.
  ///
  /// - Throws: `GraphError.nonFiniteFold`.
  /// - **Allocates:** the weights of one convolution at a time, if the network holds the only copy.
  public mutating func foldBatchNorms() throws(GraphError) {
    let uses = Uses(self)
    var folded: Set<Int> = []
    for index in layers.indices {
      if case .linear(var linear) = layers[index].kind,
        let place = uses.only(of: layers[index].output),
        case .batchNorm(let norm) = layers[place].kind
      {
        linear.fold(norm)
        try layers[index].checkFinite(linear.weights, "weight")
        try layers[index].checkFinite(linear.bias, "bias")
        layers[index].kind = .linear(linear)
        folded.insert(place)
        layers[index].output = layers[place].output
        continue
      }
      guard case .convolution(var convolution) = layers[index].kind,
        let place = uses.only(of: layers[index].output),
        case .batchNorm(let norm) = layers[place].kind
      else { continue }
      // The weights are let go as they are replaced.
      layers[index].kind = .add
      convolution.fold(norm)
      try layers[index].checkFinite(convolution.weights, "weight")
      try layers[index].checkFinite(convolution.bias ?? [], "bias")
      layers[index].kind = .convolution(convolution)
      folded.insert(place)
      layers[index].output = layers[place].output
    }
    layers = layers.indices.filter { !folded.contains($0) }.map { layers[$0] }
  }
}

extension Network.Layer {
  func checkFinite(_ values: [Float], _ part: String) throws(GraphError) {
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw .nonFiniteFold(layer: name, part: part, index: index, found: values[index])
    }
  }
}

extension Network.Convolution {
  fileprivate mutating func fold(_ norm: Network.BatchNorm) {
    bias = norm.folded(into: &weights, bias)
  }
}

extension Linear {
  fileprivate mutating func fold(_ norm: Network.BatchNorm) {
    bias = norm.folded(into: &weights, bias)
  }
}

extension Network.BatchNorm {
  /// Multiplies the weights of each output channel and returns what their biases become.
  func folded(into weights: inout [Float], _ own: [Float]?) -> [Float] {
    let scales = zip(gamma, variance).map { Double($0) / (Double($1) + epsilon).squareRoot() }
    let perChannel = weights.count / scales.count
    for index in weights.indices {
      weights[index] = Float(Double(weights[index]) * scales[index / perChannel])
    }
    return scales.indices.map { channel in
      let centre = Double(own?[channel] ?? 0) - Double(mean[channel])
      return Float(Double(beta[channel]) + centre * scales[channel])
    }
  }
}
