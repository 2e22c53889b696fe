// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// Makes one 2×2 convolution with a quarter of each weight of an average pool of 2×2 with stride 2 and the 1×1
  /// convolution behind it. Batch norms are to be folded before.
  ///
  /// - **Allocates:** four times the weights of each such convolution.
  public mutating func foldAveragePools() {
    let uses = Uses(self)
    var folded: Set<String> = []
    for pool in layers.indices {
      guard case .averagePool(let window) = layers[pool].kind, window.isShortcutPool,
        let place = uses.only(of: layers[pool].output),
        case .convolution(var convolution) = layers[place].kind, convolution.kernel == Extent(1),
        convolution.stride == Extent(1), convolution.padding == Padding(0)
      else { continue }
      convolution.kernel = Extent(2)
      convolution.stride = Extent(2)
      convolution.weights = convolution.weights.flatMap { [Float](repeating: $0 / 4, count: 4) }
      layers[place].kind = .convolution(convolution)
      layers[place].inputs = layers[pool].inputs
      folded.insert(layers[pool].output)
    }
    layers.removeAll { folded.contains($0.output) }
  }
}
