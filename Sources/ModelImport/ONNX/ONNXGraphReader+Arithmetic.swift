// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// Sums and products: of two values of the network, or of one and a constant.
extension ONNXGraphReader {
  mutating func arithmetic(_ index: Int) throws(ImportError) -> Value {
    let node = node(index)
    guard node.input.count == 2 else {
      throw unexpected(index, "two inputs", "\(node.input.count)")
    }
    let (first, second) = (values[node.input[0]], values[node.input[1]])
    switch (node.opType, first, second) {
    case ("Add", .layer(let value, let isVector), .layer(let other, let isOther))
    where isVector == isOther:
      guard
        isPoint(value) == isPoint(other)
          || (sizes[value] == 1 && sizes[other] == 1 && !isVector)
      else { throw unexpected(index, "two images, or two vectors", "an image and a vector") }
      return append(index, .add, [value, other], isVector: isVector)
    case ("Mul", .layer(let value, let isVector), .layer(let other, let isOther))
    where isVector == isOther:
      // The gate has one pixel; of two with one pixel any is it.
      if isPoint(other) { return try gated(index, value, other, isVector) }
      return try gated(index, other, value, isVector)
    case ("Mul", .layer(let value, isVector: false), .repeated(let gate)),
      ("Mul", .repeated(let gate), .layer(let value, isVector: false)):
      return try gated(index, value, gate, false)
    case (_, .layer(let value, let isVector), let other):
      return try scaled(index, value, isVector, other, slot: 1)
    case ("Add", let other, .layer(let value, let isVector)),
      ("Mul", let other, .layer(let value, let isVector)):
      return try scaled(index, value, isVector, other, slot: 0)
    default: throw foreign(index)
    }
  }

  private mutating func gated(_ index: Int, _ value: String, _ gate: String, _ isVector: Bool)
    throws(ImportError) -> Value
  {
    let (count, found) = (channelCount(value), channelCount(gate))
    guard isPoint(gate), count == found, !isVector || isPoint(value) else {
      throw unexpected(
        index, "an image and a number for each of its \(count) channels",
        isPoint(gate) ? "\(found) numbers" : "two images")
    }
    return append(index, .multiply, [value, gate], isVector: isVector)
  }

  /// What a constant makes of a value: part of a linear layer's bias, or a batch norm, as exporters take them apart.
  private mutating func scaled(
    _ index: Int, _ value: String, _ isVector: Bool, _ other: Value?, slot: Int
  ) throws(ImportError) -> Value {
    switch other {
    case .constant, .derived: break
    default: throw unexpected(index, "two values of one kind, or a constant", "another")
    }
    let operation = node(index).opType
    if operation == "Add", isVector, isLinear(value) { return try addBias(index, value, slot) }
    guard value != Network.image else {
      throw unexpected(index, "a constant behind a layer", "one behind the image")
    }
    let constant = try perChannel(index, slot, value, isVector)
    try budget.reserve(elements: product(4, constant.count))
    let zeros = [Float](repeating: 0, count: constant.count)
    let ones = [Float](repeating: 1, count: constant.count)
    var norm = Network.BatchNorm(gamma: ones, beta: zeros, mean: zeros, variance: ones, epsilon: 0)
    let place = makers[value]
    var isMerged = false
    // A norm that was taken apart becomes one again.
    if let place, uses.isReadOnce(value), case .batchNorm(let own) = network.layers[place].kind,
      [own.gamma, own.beta].allSatisfy({ $0.count == constant.count })
    {
      norm = own
      isMerged = true
    }
    for channel in constant.indices {
      let number = constant[channel]
      switch operation {
      case "Add": norm.beta[channel] += number
      case "Sub": norm.beta[channel] -= number
      case "Mul":
        norm.gamma[channel] *= number
        norm.beta[channel] *= number
      default:
        norm.gamma[channel] /= number
        norm.beta[channel] /= number
      }
    }
    try checkFinite(norm.gamma, tensor: "\(name(index)) scale")
    try checkFinite(norm.beta, tensor: "\(name(index)) shift")
    if isMerged { return replace(value, .batchNorm(norm), by: index, isVector: isVector) }
    return try normed(index, norm, value, isVector)
  }

  /// A batch norm, which becomes part of a linear layer before it that nothing else reads.
  mutating func normed(
    _ index: Int, _ norm: Network.BatchNorm, _ value: String, _ isVector: Bool
  ) throws(ImportError) -> Value {
    guard let place = makers[value], uses.isReadOnce(value),
      case .linear(var linear) = network.layers[place].kind
    else { return append(index, .batchNorm(norm), [value], isVector: isVector) }
    for part in [norm.gamma, norm.beta, norm.mean, norm.variance]
    where part.count != linear.outputCount {
      throw unexpected(index, "\(linear.outputCount) channels", "\(part.count)")
    }
    // The weights are let go as they are replaced.
    network.layers[place].kind = .sigmoid
    for output in 0..<linear.outputCount {
      let scale =
        Double(norm.gamma[output]) / (Double(norm.variance[output]) + norm.epsilon).squareRoot()
      for place in output * linear.inputCount..<(output + 1) * linear.inputCount {
        linear.weights[place] = Float(Double(linear.weights[place]) * scale)
      }
      let centre = Double(linear.bias[output]) - Double(norm.mean[output])
      linear.bias[output] = Float(Double(norm.beta[output]) + centre * scale)
    }
    try checkFinite(linear.weights, tensor: "\(name(index)) weight")
    try checkFinite(linear.bias, tensor: "\(name(index)) bias")
    return replace(value, .linear(linear), by: index, isVector: isVector)
  }

  /// The sum of a linear layer and a constant, which becomes part of its bias.
  private mutating func addBias(_ index: Int, _ value: String, _ slot: Int) throws(ImportError)
    -> Value
  {
    guard let place = makers[value], case .linear(var linear) = network.layers[place].kind else {
      throw foreign(index)
    }
    // A bias stays as it is, even if it is -0, where there was none.
    linear.bias = zip(linear.bias, try bias(index, slot, linear.outputCount))
      .map { $0 == 0 ? $1 : $0 + $1 }
    try checkFinite(linear.bias, tensor: "\(name(index)) bias")
    return replace(value, .linear(linear), by: index, isVector: true)
  }
}
