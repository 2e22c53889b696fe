// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// Finds out whether the network is a ResNet that a configuration describes, and if it is, gives its layers and
  /// values torchvision's names. Another network stays as it is.
  ///
  /// The configuration is guessed from the convolutions that lead to each sum; then the network that it stands for
  /// is compared layer by layer.
  package mutating func recognizeResNet() {
    let uses = Uses(self)
    guard case .linear(let head) = layers.last?.kind,
      let (config, places) = guess(uses, outputs: head.outputCount),
      config.slots.count == places.count
    else { return }
    var parameters = LayerParameters(
      layers: layers, uses: uses, rest: places[...], head: (head.weights, head.bias))
    let named = Network(config, source: source, parameters: &parameters)
    guard let values = values(as: named, uses) else { return }
    self = named
    aliases = values
  }

  /// A configuration that the network may have, and its convolutions in the order of the slots.
  private func guess(_ uses: Uses, outputs: Int) -> (ResNetConfig, [Int])? {
    guard let pool = layers.first(where: { $0.kind == .maxPool(Self.stemPool) }) else { return nil }
    let stem = way(to: pool.inputs[0], uses)
    var places = stem
    // The output channels of each stage, and those between the convolutions of each of its blocks.
    var stages: [(output: Int, inner: [[Int]])] = []
    var block = ResNetConfig.Block.basic
    var stride = ResNetConfig.BottleneckStride.second
    for sum in layers where sum.kind == .add {
      let ways = sum.inputs.map { way(to: $0, uses) }.sorted { $0.count > $1.count }
      guard let last = ways[0].last, ways[0].count > 1 else { return nil }
      let strided = ways[0].firstIndex { convolution($0).stride.height == 2 }
      if strided != nil || stages.isEmpty { stages.append((convolution(last).outputChannels, [])) }
      stages[stages.count - 1].inner.append(
        ways[0].dropLast().map { convolution($0).outputChannels })
      if ways[0].count == 3 { block = .bottleneck }
      if strided == 0 { stride = .first }
      places += ways[0] + ways[1]
    }
    let config = try? ResNetConfig(
      block: block, blockCounts: stages.map(\.inner.count),
      channels: stages.map { $0.output / block.expansion },
      outputDimension: outputs, stemChannels: stem.map { convolution($0).outputChannels },
      branchChannels: stages.map { $0.inner[0][0] }, bottleneckStride: stride,
      poolsShortcuts: layers.contains { $0.kind.isShortcutPool }
    ).withInnerChannels(stages.map(\.inner))
    return config.map { ($0, places) }
  }

  /// The convolutions that lead to a value from the sum, the max pool or the image before them.
  private func way(to value: String, _ uses: Uses) -> [Int] {
    var value = value
    var places: [Int] = []
    // No stem and no branch has more layers.
    for _ in 0..<10 {
      guard let place = uses.maker(of: value), layers[place].kind != .add,
        layers[place].kind != .maxPool(Self.stemPool)
      else { break }
      if layers[place].kind.convolution != nil { places.append(place) }
      value = layers[place].inputs[0]
    }
    return places.reversed()
  }

  private func convolution(_ place: Int) -> Convolution { layers[place].kind.convolution! }

  /// If another network is the same but for names and the order of layers and of sums, its values by their names
  /// here; nil if it is not.
  private func values(as other: Network, _ uses: Uses) -> [String: String]? {
    // The values here by their names there.
    var values = [Self.image: Self.image]
    for layer in other.layers {
      let inputs = layer.inputs.map { values[$0] ?? "" }
      let place = uses.layers[inputs[0]]?.first {
        Set(layers[$0].inputs) == Set(inputs) && layers[$0].kind.computesSame(as: layer.kind)
      }
      guard let place else { return nil }
      values[layer.output] = layers[place].output
    }
    guard layers.count == other.layers.count,
      outputs.map(\.value) == other.outputs.map({ values[$0.value] })
    else { return nil }
    return Dictionary(values.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }
}

/// The numbers of a network's layers, of which only convolutions, the norms behind them and the last one have some.
private struct LayerParameters: ResNetParameters {
  let layers: [Network.Layer]
  let uses: Network.Uses
  /// The convolutions that were not asked for yet.
  var rest: ArraySlice<Int>
  let head: (weights: [Float], bias: [Float])

  mutating func convolution(_ slot: ResNetConfig.Slot) -> ResNetConfig.Parameters {
    let place = rest.removeFirst()
    let convolution = layers[place].kind.convolution!
    var norm: Network.BatchNorm?
    if let next = uses.only(of: layers[place].output),
      case .batchNorm(let own) = layers[next].kind
    {
      norm = own
    }
    return .init(weights: convolution.weights, bias: convolution.bias, norm: norm)
  }

  mutating func norm(_ place: ResNetConfig.Place, channels: Int) -> Network.BatchNorm {
    preconditionFailure("a norm in front of a convolution")
  }

  mutating func slopes(_ place: ResNetConfig.Place, channels: Int) -> [Float] {
    preconditionFailure("a PReLU")
  }

  mutating func linear(inputs: Int, outputs: Int) -> (weights: [Float], bias: [Float]) { head }
}

extension Network.Kind {
  fileprivate var isShortcutPool: Bool {
    guard case .averagePool(let pool) = self else { return false }
    return pool.isShortcutPool
  }

  fileprivate func computesSame(as other: Network.Kind) -> Bool {
    switch (self, other) {
    case (.averagePool, .averagePool): isShortcutPool && other.isShortcutPool
    case (.linear(let own), .linear(let other)):
      (own.inputCount, own.outputCount, own.weights, own.bias)
        == (other.inputCount, other.outputCount, other.weights, other.bias)
    default: self == other
    }
  }
}
