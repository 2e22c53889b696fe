// SPDX-License-Identifier: Apache-2.0

/// A convolution of an ONNX graph with the batch norm behind it.
struct ONNXConvolution {
  /// Its place among the nodes.
  var node: Int
  var weights: Tensor
  var bias: Tensor?
  /// Scale, shift, mean and variance; nil if there is no batch norm.
  var norm: [Tensor]?
  var kernelSize: Int
  var stride: Int

  /// Puts its tensors under the names that a state dictionary has for them.
  func add(to tensors: inout [String: Tensor], _ prefixes: TensorNaming.Prefixes) {
    tensors[prefixes.convolution + ".weight"] = weights
    if let bias {
      tensors[prefixes.convolution + ".bias"] = bias
    } else if norm == nil {
      let count = weights.shape[0]
      tensors[prefixes.convolution + ".bias"] = Tensor(
        shape: [count], values: [Float](repeating: 0, count: count))
    }
    for (name, tensor) in zip(["weight", "bias", "running_mean", "running_var"], norm ?? []) {
      tensors["\(prefixes.norm).\(name)"] = tensor
    }
  }
}

/// A residual block of an ONNX graph.
struct ONNXBlock {
  /// 2 or 3 convolutions.
  var branch: [ONNXConvolution]
  var shortcut: ONNXConvolution?
  /// Whether an average pool of 2×2 precedes the shortcut's convolution.
  var isPooled: Bool
  /// 1 or 2.
  var stride: Int
}
