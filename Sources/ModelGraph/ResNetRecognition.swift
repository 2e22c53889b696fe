// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// Finds out whether the network is a ResNet that a configuration describes, and if it is, gives its layers and
  /// values torchvision's names. Another network stays as it is.
  package mutating func recognizeResNet() {
    var reader = ResNetReader(self)
    guard let (config, found, head) = reader.read(),
      let named = try? Network(
        config, source: source,
        parameters: { slot throws(Unrecognized) in
          guard let next = found[slot.name], next.isPooled == slot.isPooled,
            case .convolution(let convolution) = layers[next.convolution].kind
          else { throw Unrecognized() }
          var norm: BatchNorm?
          if let place = next.norm, case .batchNorm(let own) = layers[place].kind { norm = own }
          let parameters = ResNetConfig.Parameters(
            weights: convolution.weights, bias: convolution.bias, norm: norm)
          guard slot.convolution(parameters) == convolution else { throw Unrecognized() }
          return parameters
        }, head: { () throws(Unrecognized) in (head.weights, head.bias) })
    else { return }
    self = named
  }

  private struct Unrecognized: Error {}
}

/// Follows a network from its image to its logits as far as it is a ResNet; nil wherever it is none.
private struct ResNetReader {
  /// A convolution and the batch norm behind it, by their places.
  struct Step {
    var convolution: Int
    var norm: Int?
    var isPooled = false
  }

  private let network: Network
  private let uses: Network.Uses

  init(_ network: Network) {
    self.network = network
    uses = Network.Uses(network)
  }

  mutating func read() -> (ResNetConfig, [String: Step], Linear)? {
    var value = Network.image
    guard let stem = readStem(&value) else { return nil }
    var blocks: [(branch: [Step], shortcut: Step?)] = []
    while uses.layers[value]?.count == 2 {
      guard let block = readBlock(&value) else { return nil }
      blocks.append(block)
    }
    guard let pool = uses.layers[value], pool.count == 1,
      network.layers[pool[0]].kind == .globalAveragePool
    else { return nil }
    value = network.layers[pool[0]].output
    guard let last = uses.layers[value], last.count == 1,
      case .linear(let head) = network.layers[last[0]].kind, let first = blocks.first,
      network.outputs.map(\.value) == [value, network.layers[last[0]].output]
    else { return nil }

    // The numbers of the stages; the builder compares all the rest.
    var (counts, stages): ([Int], [(branch: Int, output: Int)]) = ([], [])
    var stride = ResNetConfig.BottleneckStride.second
    for block in blocks {
      if let strided = block.branch.firstIndex(where: { geometry($0).stride.height == 2 }) {
        if strided == 0 { stride = .first }
        counts.append(0)
      } else if counts.isEmpty {
        counts.append(0)
      }
      counts[counts.count - 1] += 1
      guard let last = block.branch.last else { return nil }
      let numbers = (geometry(block.branch[0]).outputChannels, geometry(last).outputChannels)
      if stages.count < counts.count { stages.append(numbers) }
    }
    let kind = first.branch.count == 2 ? ResNetConfig.Block.basic : .bottleneck
    guard stages.allSatisfy({ $0.output.isMultiple(of: kind.expansion) }),
      let config = try? ResNetConfig(
        block: kind, blockCounts: counts, channels: stages.map { $0.output / kind.expansion },
        outputDimension: head.outputCount, stemChannels: stem.map { geometry($0).outputChannels },
        branchChannels: stages.map(\.branch), bottleneckStride: stride,
        poolsShortcuts: blocks.contains { $0.shortcut?.isPooled ?? false })
    else { return nil }
    // As many steps as there are slots for, each where its slot is.
    var steps = Dictionary(uniqueKeysWithValues: zip(config.stemSlots.map(\.name), stem))
    for (block, slots) in zip(blocks, config.blockSlots) {
      guard block.branch.count == slots.branch.count,
        (block.shortcut == nil) == (slots.shortcut == nil)
      else { return nil }
      for (step, slot) in zip(block.branch, slots.branch) { steps[slot.name] = step }
      if let shortcut = block.shortcut, let slot = slots.shortcut { steps[slot.name] = shortcut }
    }
    return (config, steps, head)
  }

  private func geometry(_ step: Step) -> Network.Convolution {
    guard case .convolution(let convolution) = network.layers[step.convolution].kind else {
      preconditionFailure("a step has a convolution")
    }
    return convolution
  }

  /// The one layer that reads `value`, which becomes its output, if it is of a kind.
  private func next(_ value: inout String, _ isKind: (Network.Kind) -> Bool) -> Int? {
    guard let index = uses.only(of: value), isKind(network.layers[index].kind) else { return nil }
    value = network.layers[index].output
    return index
  }

  private func readStem(_ value: inout String) -> [Step]? {
    var stem: [Step] = []
    while let step = readStep(&value) {
      guard next(&value, { $0 == .relu }) != nil else { return nil }
      stem.append(step)
    }
    return next(&value, { $0 == .maxPool(Network.stemPool) }) == nil ? nil : stem
  }

  private func readStep(_ value: inout String) -> Step? {
    next(&value, isConvolution).map { Step(convolution: $0, norm: next(&value, isNorm)) }
  }

  private func isConvolution(_ kind: Network.Kind) -> Bool {
    if case .convolution = kind { return true }
    return false
  }

  private func isNorm(_ kind: Network.Kind) -> Bool {
    if case .batchNorm = kind { return true }
    return false
  }

  private func readBlock(_ value: inout String) -> (branch: [Step], shortcut: Step?)? {
    let ways = (uses.layers[value] ?? []).map { readWay($0, value) }
    guard let first = ways[0], let second = ways[1], first.sum == second.sum else { return nil }
    let (branch, shortcut) =
      first.steps.count > second.steps.count ? (first, second) : (second, first)
    guard (2...3).contains(branch.steps.count), shortcut.steps.count <= 1 else { return nil }
    value = network.layers[first.sum].output
    guard next(&value, { $0 == .relu }) != nil else { return nil }
    return (branch.steps, shortcut.steps.first)
  }

  /// The convolutions from a layer on up to the sum.
  private func readWay(_ start: Int, _ input: String) -> (steps: [Step], sum: Int)? {
    let layer = network.layers[start]
    if layer.kind == .add { return ([], start) }
    var value = layer.output
    var steps: [Step] = []
    if isConvolution(layer.kind) {
      steps.append(Step(convolution: start, norm: next(&value, isNorm)))
    } else if case .averagePool(var window) = layer.kind {
      (window.countsPadding, window.roundsUp) = (false, false)
      guard window == Network.shortcutPool, var step = readStep(&value) else { return nil }
      step.isPooled = true
      steps.append(step)
    }
    while !steps.isEmpty {
      if let sum = uses.only(of: value), network.layers[sum].kind == .add { return (steps, sum) }
      guard next(&value, { $0 == .relu }) != nil, let step = readStep(&value) else { return nil }
      steps.append(step)
    }
    return nil
  }
}
