// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph

/// A network of random weights with what no ResNet has: pools of several windows and ReLU6 everywhere.
///
/// Its operations are input, stem (1), conv2 (2), a max pool of 2×2 (3), conv3 without ReLU (4), a max pool of
/// 3×3 with stride 1 (5), conv4 (6), conv5 with the pool's result as its residual (7), an average that counts
/// padding (8), conv6 (9), an average that does not (10), conv7 (11), a max pool that rounds up (12), the mean
/// and the classifier.
package func pooledNetwork(upper: Float = 6) -> Network {
  var builder = Builder(upper: upper)
  builder.convolution(3, 24, kernel: 7, stride: 2)
  builder.pool(true, kernel: 3, stride: 2, padding: 1)
  builder.convolution(24, 32, kernel: 3)
  builder.pool(true, kernel: 2, stride: 2)
  builder.convolution(32, 32, kernel: 1, isClamped: false)
  builder.pool(true, kernel: 3, stride: 1, padding: 1)
  let residual = builder.value
  builder.convolution(32, 32, kernel: 3)
  builder.convolution(32, 32, kernel: 3, isClamped: false)
  builder.append(.add, [builder.value, residual])
  builder.append(.clamp(lower: 0, upper: upper))
  builder.pool(false, kernel: 3, stride: 2, padding: 1, countsPadding: true)
  builder.convolution(32, 32, kernel: 3)
  builder.pool(false, kernel: 3, stride: 2, padding: 1)
  builder.convolution(32, 20, kernel: 1)
  builder.pool(true, kernel: 2, stride: 2, roundsUp: true)
  builder.append(.globalAveragePool)
  let features = builder.value
  builder.append(
    .linear(
      Linear(
        name: "fc", inputCount: 20, outputCount: 10, weights: builder.numbers(200, 0.5),
        bias: builder.numbers(10, 0.5))))
  builder.network.outputs = [
    Network.Output(name: "features", value: features, role: .features),
    Network.Output(name: "logits", value: builder.value, role: .logits),
  ]
  return builder.network
}

private struct Builder {
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
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, isClamped: Bool = true
  ) {
    let count = inputs * kernel * kernel
    append(
      .convolution(
        Network.Convolution(
          inputChannels: inputs, outputChannels: outputs, kernel: Network.Extent(kernel),
          stride: Network.Extent(stride), padding: Network.Padding(kernel / 2),
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
