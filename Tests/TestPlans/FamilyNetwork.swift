// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph

/// A network of random weights with what the family's later members have.
///
/// Its operations, and the tensors that they make: input, a 3×3 convolution (1), one of groups of 4 channels with
/// stride 2 (2), a dilated one without ReLU (3), a gate of its mean (4) by two linear layers (5, 6) and a sigmoid (7),
/// the gated image with the result of 2 added (8), a batch norm with slopes (9), a convolution that pads at the right
/// and at the bottom only (10), a blur with stride 2 (11), groups of 12 channels, which become one (12), the mean
/// and the classifier.
package func familyNetwork() -> Network {
  var builder = NetworkBuilder(upper: .infinity)
  builder.convolution(3, 32, kernel: 3)
  builder.convolution(32, 32, kernel: 3, stride: 2, groups: 8)
  let shortcut = builder.value
  builder.convolution(32, 32, kernel: 3, dilation: 2, isClamped: false)
  let branch = builder.value
  builder.append(.globalAveragePool)
  builder.convolution(32, 16, kernel: 1)
  builder.convolution(16, 32, kernel: 1, isClamped: false)
  builder.append(.sigmoid)
  builder.append(.multiply, [branch, builder.value])
  builder.append(.add, [builder.value, shortcut])
  builder.append(.relu)
  builder.append(
    .batchNorm(
      Network.BatchNorm(
        gamma: builder.numbers(32, 1.5), beta: builder.numbers(32, 0.5),
        mean: builder.numbers(32, 0.5), variance: builder.numbers(32, 0.4).map { $0 + 0.6 })))
  builder.append(.prelu(slopes: builder.numbers(32, 0.4)))
  builder.convolution(
    32, 48, kernel: 3, stride: 2, padding: Network.Padding(top: 0, left: 0, bottom: 1, right: 1))
  builder.append(.blurPool(stride: 2))
  builder.convolution(48, 48, kernel: 3, groups: 4)
  builder.append(.globalAveragePool)
  let features = builder.value
  builder.append(
    .linear(
      Linear(
        name: "fc", inputCount: 48, outputCount: 10, weights: builder.numbers(480, 0.5),
        bias: builder.numbers(10, 0.5))))
  builder.network.outputs = [
    Network.Output(name: "features", value: features, role: .features),
    Network.Output(name: "logits", value: builder.value, role: .logits),
  ]
  return builder.network
}
