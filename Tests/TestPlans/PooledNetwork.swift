// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph

/// A network of random weights with what no ResNet has: pools of several windows and ReLU6 everywhere.
///
/// Its operations are input, stem (1), conv2 (2), a max pool of 2×2 (3), conv3 without ReLU (4), a max pool of
/// 3×3 with stride 1 (5), conv4 (6), conv5 with the pool's result as its residual (7), an average that counts
/// padding (8), conv6 (9), an average that does not (10), conv7 (11), a max pool that rounds up (12), the mean
/// and the classifier.
package func pooledNetwork(upper: Float = 6) -> Network {
  var builder = NetworkBuilder(upper: upper)
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
