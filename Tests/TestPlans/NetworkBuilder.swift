// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// Makes networks of random weights, layer after layer.
struct NetworkBuilder {
  let upper: Float
  var network = Network(source: Network.Source(format: "test"))
  var value = Network.image
  var generator = RandomGenerator(seed: 11)

  mutating func numbers(_ count: Int, _ limit: Float) -> [Float] {
    (0..<count).map { _ in Float.random(in: -limit...limit, using: &generator) }
  }

  mutating func append(_ kind: Network.Kind, _ inputs: [String]? = nil) {
    let name = "layer \(network.layers.count)"
    network.layers.append(
      Network.Layer(
        name: name, block: value == Network.image ? "stem" : name, kind: kind,
        inputs: inputs ?? [value], output: name))
    value = name
  }

  mutating func convolution(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, dilation: Int = 1,
    padding: Network.Padding? = nil, groups: Int = 1, isClamped: Bool = true
  ) {
    let count = inputs / groups * kernel * kernel
    append(
      .convolution(
        Network.Convolution(
          inputChannels: inputs, outputChannels: outputs, kernel: Network.Extent(kernel),
          stride: Network.Extent(stride), dilation: Network.Extent(dilation),
          padding: padding ?? Network.Padding(kernel / 2 * dilation), groups: groups,
          weights: numbers(outputs * count, 3 / Float(count).squareRoot()),
          bias: numbers(outputs, 1))))
    if isClamped { append(.clamp(lower: 0, upper: upper)) }
  }

  mutating func pool(
    _ isMaximum: Bool, kernel: Int, stride: Int, padding: Int = 0, countsPadding: Bool = false,
    roundsUp: Bool = false
  ) {
    let pool = Network.Pool(
      kernel: Network.Extent(kernel), stride: Network.Extent(stride),
      padding: Network.Padding(padding), countsPadding: countsPadding, roundsUp: roundsUp)
    append(isMaximum ? .maxPool(pool) : .averagePool(pool))
  }
}
