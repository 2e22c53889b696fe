// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// Reads the numbers of a configuration off a checkpoint's tensors, which are checked later.
struct ConfigReader {
  private let schema: CheckpointSchema
  private let block: ResNetConfig.Block
  private let tensors: [String: Tensor]

  init(_ checkpoint: Checkpoint) {
    tensors = checkpoint.tensors
    schema = checkpoint.schema
    let third = schema.prefixes(
      of: .branch(2, block: 0, stage: 0), stemCount: 1, isPooled: false)
    block = checkpoint.tensors[third.convolution + ".weight"] == nil ? .basic : .bottleneck
  }

  func config(bottleneckStride: ResNetConfig.BottleneckStride) throws(GraphError) -> ResNetConfig {
    let (stem, stages) = try (stem(), stages())
    let head = try shape(schema.head + ".weight", "[outputs, features]", rank: 2)
    let config = try ResNetConfig(
      block: block, blockCounts: stages.map(\.inner.count), channels: stages.map(\.channels),
      outputDimension: head[0], stemChannels: stem, branchChannels: stages.map { $0.inner[0][0] },
      bottleneckStride: bottleneckStride, poolsShortcuts: poolsShortcuts)
    return try config.withInnerChannels(stages.map(\.inner))
  }

  /// Whether the network reads one channel.
  var isGrey: Bool {
    [1, 3].contains { tensors[weight(.stem(0), stemCount: $0)]?.shape.dropFirst().first == 1 }
  }

  /// Whether some shortcut's convolution is where it is behind a pool.
  private var poolsShortcuts: Bool {
    (0..<4).contains { stage in
      let ranks = [true, false].map { isPooled in
        let place = ResNetConfig.Slot.Place.shortcut(block: 0, stage: stage)
        return tensors[weight(place, isPooled: isPooled)]?.shape.count
      }
      return ranks[0] == 4 && ranks[1] != 4
    }
  }

  /// The output channels of the stem's convolutions.
  private func stem() throws(GraphError) -> [Int] {
    if let name = preactivationName { throw .preactivation(name: name) }
    let isDeep = tensors[weight(.stem(0), stemCount: 3)] != nil
    let count = isDeep ? 3 : 1
    let expected = isDeep ? "[channels, inputs, 3, 3]" : "[channels, 3, 7, 7]"
    return try (0..<count).map { (index) throws(GraphError) in
      try shape(weight(.stem(index), stemCount: count), expected, rank: 4)[0]
    }
  }

  /// The stages that have a first block; `inner` has the channels between the convolutions of each block.
  private func stages() throws(GraphError) -> [(channels: Int, inner: [[Int]])] {
    var stages: [(channels: Int, inner: [[Int]])] = []
    while stages.isEmpty || hasBlock(0, stage: stages.count) {
      let stage = stages.count
      let kernel = block == .basic ? "3, 3" : "1, 1"
      let name = weight(.branch(block.convolutionCount - 1, block: 0, stage: stage))
      let last = try shape(name, "[outputs, channels, \(kernel)]", rank: 4)
      guard last[0].isMultiple(of: block.expansion) else {
        throw .notTelling(
          name: name, expected: "[a multiple of \(block.expansion), channels, \(kernel)]",
          found: last)
      }
      var inner: [[Int]] = []
      repeat {
        var widths: [Int] = []
        for index in 0..<block.convolutionCount - 1 {
          let kernel = index == 0 ? kernel : "3, 3"
          let name = weight(.branch(index, block: inner.count, stage: stage))
          widths.append(try shape(name, "[channels, inputs, \(kernel)]", rank: 4)[0])
        }
        inner.append(widths)
      } while hasBlock(inner.count, stage: stage)
      stages.append((last[0] / block.expansion, inner))
    }
    return stages
  }

  private func shape(_ name: String, _ expected: String, rank: Int) throws(GraphError) -> [Int] {
    guard let shape = tensors[name]?.shape, shape.count == rank else {
      throw .notTelling(name: name, expected: expected, found: tensors[name]?.shape)
    }
    return shape
  }

  private func weight(
    _ place: ResNetConfig.Slot.Place, stemCount: Int = 1, isPooled: Bool = false
  ) -> String {
    schema.prefixes(of: place, stemCount: stemCount, isPooled: isPooled).convolution + ".weight"
  }

  private func hasBlock(_ block: Int, stage: Int) -> Bool {
    tensors[weight(.branch(0, block: block, stage: stage))] != nil
  }

  /// A batch norm that only pre-activation networks have: with norms in the blocks and none behind the stem.
  private var preactivationName: String? {
    let stem = [1, 3].map {
      schema.prefixes(of: .stem($0 - 1), stemCount: $0, isPooled: false)
    }
    let hasStemNorm = tensors.keys.contains { name in
      stem.contains { name.hasPrefix($0.norm + ".") || name == $0.convolution + ".bias" }
    }
    let norms = (0..<2).map {
      schema.prefixes(of: .branch($0, block: 0, stage: 0), stemCount: 1, isPooled: false).norm
        + ".weight"
    }
    return !hasStemNorm && norms.allSatisfy { tensors[$0] != nil } ? norms[0] : nil
  }
}
