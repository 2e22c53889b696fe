// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// Checks that every value is made once and before it is read, and that the channels and parameters of all
  /// layers fit together. Passes rely on it.
  ///
  /// - Throws: `GraphError.unfit` for the first layer that does not fit, `.negativeVariance`.
  package func check() throws(GraphError) {
    var channels = [Self.image: 3]
    for layer in layers {
      var inputs: [Int] = []
      for value in layer.inputs {
        guard let count = channels[value] else {
          throw layer.unfit("inputs that layers before it make", quoted(value))
        }
        inputs.append(count)
      }
      let outputs = try layer.outputChannels(inputs)
      guard channels.updateValue(outputs, forKey: layer.output) == nil else {
        throw layer.unfit("a new name for its output", "\(quoted(layer.output)) again")
      }
    }
    for output in outputs where channels[output.value] == nil {
      throw .unfit(
        layer: output.name, expected: "a layer that makes the output", found: quoted(output.value))
    }
  }
}

extension Network.Layer {
  func unfit(_ expected: String, _ found: String) -> GraphError {
    .unfit(layer: name, expected: expected, found: found)
  }

  /// The channels of the output for those of the inputs.
  fileprivate func outputChannels(_ inputs: [Int]) throws(GraphError) -> Int {
    let isBinary = kind == .add || kind == .multiply
    guard inputs.count == (isBinary ? 2 : 1) else {
      throw unfit(isBinary ? "two inputs" : "one input", "\(inputs.count)")
    }
    switch kind {
    case .convolution(let layer):
      let divided = layer.groups > 0 && layer.inputChannels.isMultiple(of: layer.groups)
      guard divided, layer.outputChannels > 0, layer.outputChannels.isMultiple(of: layer.groups)
      else { throw unfit("groups that divide the channels", "\(layer.groups) groups") }
      guard layer.inputChannels == inputs[0] else {
        throw unfit("weights for \(inputs[0]) channels", "weights for \(layer.inputChannels)")
      }
      let taps = layer.kernel.height * layer.kernel.width
      guard min(layer.kernel.height, layer.kernel.width) > 0, layer.stride.isPositive,
        layer.dilation.isPositive,
        layer.weights.count
          == layer.outputChannels * (layer.inputChannels / layer.groups) * taps,
        layer.bias?.count ?? layer.outputChannels == layer.outputChannels
      else {
        throw unfit(
          "as many weights and biases as its shape has, and a stride",
          "\(layer.weights.count) weights, \(layer.bias?.count ?? 0) biases")
      }
      return layer.outputChannels
    case .batchNorm(let norm):
      for values in [norm.gamma, norm.beta, norm.mean, norm.variance]
      where values.count != inputs[0] {
        throw unfit("\(inputs[0]) channels", "\(values.count)")
      }
      guard (0...1).contains(norm.epsilon) else {
        throw unfit("epsilon from 0 to 1", "\(norm.epsilon)")
      }
      if let index = norm.variance.firstIndex(where: { $0 < 0 }) {
        throw .negativeVariance(name: name, index: index, found: norm.variance[index])
      }
    case .add, .multiply:
      guard inputs[0] == inputs[1] else {
        throw unfit("\(inputs[0]) channels in both inputs", "\(inputs[1])")
      }
    case .linear(let linear):
      // Of an image it has weights for each pixel, whose number lowering knows.
      guard linear.inputCount > 0, linear.inputCount.isMultiple(of: inputs[0]),
        linear.bias.count == linear.outputCount,
        linear.weights.count == linear.inputCount * linear.outputCount
      else { throw unfit("weights for \(inputs[0]) features", "\(linear.inputCount)") }
      return linear.outputCount
    case .prelu(let slopes):
      guard slopes.count == inputs[0] else {
        throw unfit("\(inputs[0]) slopes", "\(slopes.count)")
      }
    case .clamp(let lower, let upper):
      guard lower <= upper else { throw unfit("limits in order", "\(lower) to \(upper)") }
    case .maxPool(let pool), .averagePool(let pool):
      guard pool.kernel.isPositive, pool.stride.isPositive else {
        throw unfit("a window and a stride", "none")
      }
    case .blurPool(let stride):
      guard stride.isPositive else { throw unfit("a stride", "none") }
    case .globalAveragePool, .sigmoid: break
    }
    return inputs[0]
  }
}

extension Network.Extent {
  var isPositive: Bool { height > 0 && width > 0 }
}
