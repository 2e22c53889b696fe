// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// Drops each branch that adds nothing, because its last convolution has only zeros as folded
  /// weights and bias, as zero-initialized residuals and pruned models have.
  ///
  /// A block's output is then `relu(shortcut(x))`. Behind an identity shortcut that is `x`
  /// itself if that is rectified already, so the block needs no work at all.
  ///
  /// - Returns: the names of the blocks whose branch was dropped by this call.
  @discardableResult
  public mutating func dropDeadBranches() -> [String] {
    let zeros = Set(layers.filter(\.isZero).map(\.output))
    var dropped: [String] = []
    for sum in layers.indices where layers[sum].kind == .add {
      guard let dead = layers[sum].inputs.firstIndex(where: zeros.contains) else { continue }
      dropped.append(layers[sum].block)
      let kept = layers[sum].inputs[1 - dead]
      replace(layers[sum].output, by: kept)
    }
    if dropped.isEmpty { return [] }
    removeUnused()
    removeIdleClamps()
    return dropped
  }

  /// Removes each ReLU whose input has no negative values.
  private mutating func removeIdleClamps() {
    var rectified: Set<String> = []
    var idle: Set<String> = []
    for index in layers.indices {
      let layer = layers[index]
      let isInputRectified = layer.inputs.allSatisfy(rectified.contains)
      switch layer.kind {
      case .clamp(let lower, let upper):
        if lower == 0, upper == .infinity, isInputRectified {
          idle.insert(layer.output)
          replace(layer.output, by: layer.inputs[0])
        } else if lower >= 0 {
          rectified.insert(layer.output)
        }
      case .sigmoid: rectified.insert(layer.output)
      case .maxPool, .averagePool, .blurPool, .globalAveragePool, .add, .multiply:
        if isInputRectified { rectified.insert(layer.output) }
      case .prelu:
        // What is not below 0 stays.
        if isInputRectified {
          idle.insert(layer.output)
          replace(layer.output, by: layer.inputs[0])
        }
      case .convolution, .batchNorm, .linear: break
      }
    }
    layers.removeAll { idle.contains($0.output) }
  }
}

extension Network.Layer {
  /// Whether a convolution has only zeros as weights and bias.
  fileprivate var isZero: Bool {
    guard case .convolution(let layer) = kind else { return false }
    return layer.weights.allSatisfy { $0 == 0 } && layer.bias?.allSatisfy { $0 == 0 } ?? true
  }
}
