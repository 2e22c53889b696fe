// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import TestPlans

/// A forward pass in float64 straight from the tensors of a state dictionary: batch norm, average pool
/// and strides where the papers have them, nothing folded, nothing read off by the code under test.
struct UnfoldedNetwork {
  let checkpoint: Checkpoint
  let config: ResNetConfig
  private let plain: PlainNetwork

  init(_ checkpoint: Checkpoint, _ config: ResNetConfig) throws {
    self.checkpoint = checkpoint
    self.config = config
    // For the arithmetic of single layers only.
    plain = PlainNetwork(try Network(checkpoint))
  }

  func logits(_ pixels: [UInt8]) -> [Double] {
    var x = PlainNetwork.Image(pixels)
    if config.stemChannels.count == 1 {
      x = plain.rectified(layer(x, "conv1", "bn1", stride: 2))
    } else {
      x = plain.rectified(layer(x, "conv1.0", "conv1.1", stride: 2))
      x = plain.rectified(layer(x, "conv1.3", "conv1.4", stride: 1))
      x = plain.rectified(layer(x, "conv1.6", "bn1", stride: 1))
    }
    x = plain.pooled(
      x, Network.Pool(kernel: .init(3), stride: .init(2), padding: .init(1)), isMaximum: true)
    for (stage, count) in config.blockCounts.enumerated() {
      for index in 0..<count {
        x = block(x, "layer\(stage + 1).\(index)", stride: stage > 0 && index == 0 ? 2 : 1)
      }
    }
    let (weights, bias) = (checkpoint.tensors["fc.weight"]!, checkpoint.tensors["fc.bias"]!)
    let head = Linear(
      name: "fc", inputCount: weights.shape[1], outputCount: weights.shape[0],
      weights: weights.values, bias: bias.values)
    return plain.product(plain.mean(x), head).values
  }

  private func block(_ x: PlainNetwork.Image, _ name: String, stride: Int) -> PlainNetwork.Image {
    var y: PlainNetwork.Image
    switch config.block {
    case .basic:
      y = plain.rectified(layer(x, name + ".conv1", name + ".bn1", stride: stride))
      y = layer(y, name + ".conv2", name + ".bn2", stride: 1)
    case .bottleneck:
      let isFirst = config.bottleneckStride == .first
      y = plain.rectified(layer(x, name + ".conv1", name + ".bn1", stride: isFirst ? stride : 1))
      y = plain.rectified(layer(y, name + ".conv2", name + ".bn2", stride: isFirst ? 1 : stride))
      y = layer(y, name + ".conv3", name + ".bn3", stride: 1)
    }
    var shortcut = x
    if checkpoint.tensors[name + ".downsample.2.weight"] != nil {
      if stride == 2 {
        shortcut = plain.pooled(
          shortcut, Network.Pool(kernel: .init(2), stride: .init(2), roundsUp: true),
          isMaximum: false)
      }
      shortcut = layer(shortcut, name + ".downsample.1", name + ".downsample.2", stride: 1)
    } else if checkpoint.tensors[name + ".downsample.0.weight"] != nil {
      shortcut = layer(shortcut, name + ".downsample.0", name + ".downsample.1", stride: stride)
    }
    for index in y.values.indices { y.values[index] += shortcut.values[index] }
    return plain.rectified(y)
  }

  /// A convolution and its batch norm.
  private func layer(_ x: PlainNetwork.Image, _ name: String, _ norm: String, stride: Int)
    -> PlainNetwork.Image
  {
    let weights = checkpoint.tensors[name + ".weight"]!
    let kernel = weights.shape[2]
    let convolution = Network.Convolution(
      inputChannels: x.channels, outputChannels: weights.shape[0], kernel: .init(kernel),
      stride: .init(stride), padding: .init(kernel / 2), weights: weights.values, bias: nil)
    func values(_ name: String) -> [Float] { checkpoint.tensors["\(norm).\(name)"]!.values }
    return plain.normed(
      plain.convolved(x, convolution),
      Network.BatchNorm(
        gamma: values("weight"), beta: values("bias"), mean: values("running_mean"),
        variance: values("running_var")))
  }
}
