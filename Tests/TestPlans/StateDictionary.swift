// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph
package import ResNetModelImport

extension Checkpoint {
  /// The state dictionary, with torchvision's names, of a network of random weights.
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
        // Behind a pool the sequence of a shortcut begins with that.
        let place = config.poolsShortcuts ? 1 : 0
        let name = layer.name.hasSuffix("downsample") ? "\(layer.name).\(place)" : layer.name
        add(
          name + ".weight", convolution.weights,
          [
            convolution.outputChannels, convolution.inputChannels, convolution.kernel.height,
            convolution.kernel.width,
          ])
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
    return Checkpoint(tensors: tensors)
  }
}
