// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// Makes one 2×2 convolution with a quarter of each weight of the average pool of a shortcut, at the layer `pool`, and
  /// the 1×1 convolution behind it, if that is what the two layers are. The sides of the image are even.
  ///
  /// - Returns: whether it did: then nothing reads the pool.
  /// - **Allocates:** four times the weights of the convolution.
  mutating func foldShortcutPool(_ pool: Int, into place: Int) -> Bool {
    guard case .averagePool(let window) = layers[pool].kind, window.isShortcutPool,
      case .convolution(var convolution) = layers[place].kind, convolution.kernel == Extent(1),
      convolution.stride == Extent(1), convolution.padding == Padding(0)
    else { return false }
    convolution.kernel = Extent(2)
    convolution.stride = Extent(2)
    convolution.dilation = Extent(1)
    convolution.weights = convolution.weights.flatMap { [Float](repeating: $0 / 4, count: 4) }
    layers[place].kind = .convolution(convolution)
    layers[place].inputs = layers[pool].inputs
    return true
  }
}
