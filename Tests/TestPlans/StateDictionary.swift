// SPDX-License-Identifier: Apache-2.0

import Foundation
package import ResNetModelGraph
package import ResNetModelImport

extension Checkpoint {
  /// The state dictionary of a network of random weights, with the names that its layers have in PyTorch.
  package static func random(config: ResNetConfig, seed: UInt64, zeroInitResidual: Bool = false)
    -> Checkpoint
  {
    let network = Network(random: config, seed: seed, zeroInitResidual: zeroInitResidual)
    var tensors: [String: Tensor] = [:]
    func add(_ name: String, _ values: [Float], _ shape: [Int]? = nil) {
      tensors[name] = Tensor(shape: shape ?? [values.count], values: values)
    }
    for layer in network.layers {
      switch layer.kind {
      case .convolution(let convolution):
        let isShortcut = layer.name.hasSuffix("downsample")
        // These are computed.
        if isShortcut, config.shortcut == .subsampled { continue }
        // Behind a pool the sequence of a shortcut begins with that.
        let place = config.poolsShortcuts ? 1 : 0
        let name = isShortcut ? "\(layer.name).\(place)" : layer.name
        add(
          name + ".weight", convolution.weights,
          [
            convolution.outputChannels, convolution.inputChannels / convolution.groups,
            convolution.kernel.height, convolution.kernel.width,
          ])
        if let bias = convolution.bias { add(name + ".bias", bias) }
      case .prelu(let slopes): add(layer.name + ".weight", slopes)
      case .batchNorm(let norm):
        add(layer.name + ".weight", norm.gamma)
        add(layer.name + ".bias", norm.beta)
        add(layer.name + ".running_mean", norm.mean)
        add(layer.name + ".running_var", norm.variance)
      case .linear(let linear):
        add("fc.weight", linear.weights, [linear.outputCount, linear.inputCount])
        add("fc.bias", linear.bias)
      default: break
      }
    }
    var checkpoint = Checkpoint(tensors: tensors)
    if config.order == .faces { checkpoint.schema.family = .faces }
    return checkpoint
  }

  /// The same with batch norms that do something.
  package static func example(_ config: ResNetConfig) -> Checkpoint {
    var checkpoint = random(config: config, seed: 5)
    var generator = RandomGenerator(seed: 6)
    for (name, tensor) in checkpoint.named where tensor.shape.count == 1 && !name.hasPrefix("fc") {
      let range: ClosedRange<Float> =
        name.hasSuffix("running_var") || name.hasSuffix("weight") ? 0.5...1.5 : -0.3...0.3
      checkpoint.tensors[name] = tensor.map { _, _ in Float.random(in: range, using: &generator) }
    }
    return checkpoint
  }

  /// The state dictionary of a file.
  package init(path: String) throws {
    self = try Data(contentsOf: URL(fileURLWithPath: path)).withUnsafeBytes {
      try Checkpoint(bytes: $0)
    }
  }
}

extension Tensor {
  /// A tensor of the same shape with what `change` makes of the places and values.
  package func map(_ change: (Int, Float) -> Float) -> Tensor {
    Tensor(shape: shape, values: values.enumerated().map { change($0.offset, $0.element) })
  }
}
