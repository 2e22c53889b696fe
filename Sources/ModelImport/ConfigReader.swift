// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// Reads the numbers of a configuration off a checkpoint's tensors, which are checked later.
struct ConfigReader {
  private let schema: CheckpointSchema
  private let block: ResNetConfig.Block
  private let tensors: [String: Tensor]
  /// What the tensors do not tell, as it was taken to be.
  private(set) var notes: [String] = []

  init(_ checkpoint: Checkpoint) {
    tensors = checkpoint.tensors
    schema = checkpoint.schema
    let third = schema.weight(.branch(2, block: 0, stage: 0))
    block = checkpoint.tensors[third] == nil ? .basic : .bottleneck
  }

  mutating func config(
    bottleneckStride: ResNetConfig.BottleneckStride?, outputStride: Int?,
    antiAliasing: ResNetConfig.AntiAliasing?
  ) throws(GraphError) -> ResNetConfig {
    let (stem, stages) = try (stem(), stages())
    let cardinality = self.cardinality
    var stride = bottleneckStride ?? .second
    if block == .bottleneck, schema.family == .modules, cardinality == 1, bottleneckStride == nil {
      // As Caffe's networks, from which their weights are.
      stride = .first
      notes.append("bottlenecks of these names have their stride in the first 1×1 convolution")
    }
    let outputs = try outputs()
    var config = try ResNetConfig(
      block: block, blockCounts: stages.map(\.inner.count), channels: stages.map(\.channels),
      outputDimension: outputs ?? 1, stemChannels: stem.channels,
      branchChannels: stages.map { $0.inner[0][0] }, bottleneckStride: stride
    ).withInnerChannels(stages.map(\.inner))
    if outputs == nil { config = config.withoutClassifier() }
    config.cardinality = cardinality
    config.stem = stem.kind
    config.order = order
    config.names = schema.family == .stages ? .stages : .layers
    config.shortcut = shortcut(stem.kind)
    if config.order == .original { config.gateChannels = try gates(stages: stages.count) }
    config.rectifiesGatedSums = schema.family == .modules && block == .basic
    config.normsLast = order == .preactivation && tensors[schema.weight(.lastNorm)] != nil
    config.embeddedPixels = pixels(config)
    try set(antiAliasing, &config)
    note(config)
    return try config.withOutputStride(outputStride)
  }

  /// Whether the network reads one channel.
  var isGrey: Bool {
    [1, 3].contains {
      tensors[schema.weight(.stem(0), stemCount: $0)]?.shape.dropFirst().first == 1
    }
  }

  private mutating func note(_ config: ResNetConfig) {
    if config.stem == .small, config.order != .faces {
      notes.append("the 3×3 stem has stride 1, and no max pool is behind it")
    }
    if config.stem == .pooledUp {
      notes.append("the max pool of these names has no padding and rounds up")
    }
    if config.shortcut == .subsampled {
      notes.append("shortcuts without weights take every second pixel and pad channels with zeros")
    }
    if config.names == .stages, config.poolsShortcuts {
      notes.append("shortcuts have average pools, as those of timm's resnetv2_50d")
    }
  }

  private func set(_ antiAliasing: ResNetConfig.AntiAliasing?, _ config: inout ResNetConfig)
    throws(GraphError)
  {
    guard let antiAliasing else { return }
    guard config.order == .original, config.stem != .strided, config.bottleneckStride == .second
    else {
      throw .optionMismatch(
        option: "anti-aliasing", expected: "a ResNet that may have it", found: config.name)
    }
    config.antiAliasing = antiAliasing
  }

  /// The number of logits or of an embedding's elements; nil without a classifier.
  private func outputs() throws(GraphError) -> Int? {
    guard let head = schema.head else { return nil }
    let name = head + ".weight"
    // Timm's ResNetV2 has a 1×1 convolution.
    let isConvolution = schema.family == .stages && tensors[name]?.shape.count == 4
    return try shape(name, "[outputs, features]", rank: isConvolution ? 4 : 2)[0]
  }

  /// The pixels that the linear layer of faces reads, if its weights divide into them.
  private func pixels(_ config: ResNetConfig) -> Int {
    guard config.order == .faces, let shape = tensors[schema.weight(.linear)]?.shape,
      shape.count == 2
    else { return 1 }
    return max(1, shape[1] / config.featureCount)
  }

  /// The groups of bottlenecks, by the first of them.
  private var cardinality: Int {
    let shapes = (0..<2).map {
      tensors[schema.weight(.branch($0, block: 0, stage: 0))]?.shape ?? []
    }
    guard block == .bottleneck, shapes[0].count == 4, shapes[1].count == 4, shapes[1][1] > 0,
      shapes[0][0].isMultiple(of: shapes[1][1])
    else { return 1 }
    return max(1, shapes[0][0] / shapes[1][1])
  }

  private var order: ResNetConfig.Order {
    switch schema.family {
    case .faces: .faces
    case .stages: .preactivation
    default: isPreactivation ? .preactivation : .original
    }
  }

  private func shortcut(_ stem: ResNetConfig.Stem) -> ResNetConfig.Shortcut {
    if poolsShortcuts { return .pooled }
    let hasNone = !tensors.keys.contains {
      $0.contains(".downsample.") || $0.contains(".shortcut.")
    }
    return stem == .small && order == .original && block == .basic && hasNone && growsEvenly
      ? .subsampled : .convolution
  }

  /// Whether zeros may be put on both sides of each stage's channels.
  private var growsEvenly: Bool {
    let widths = (0..<4).compactMap {
      tensors[schema.weight(.branch(1, block: 0, stage: $0))]?.shape.first
    }
    return zip(widths, widths.dropFirst()).allSatisfy { $0 < $1 && ($1 - $0).isMultiple(of: 2) }
  }

  /// Whether some shortcut's convolution is where it is behind a pool.
  private var poolsShortcuts: Bool {
    // The names of ResNetV2 do not tell, but it has pools if it has a deep stem.
    if schema.family == .stages { return hasDeepStem }
    return (0..<4).contains { stage in
      let ranks = [true, false].map { isPooled in
        let place = ResNetConfig.Place.shortcut(block: 0, stage: stage)
        return tensors[schema.weight(place, isPooled: isPooled)]?.shape.count
      }
      return ranks[0] == 4 && ranks[1] != 4
    }
  }

  private var hasDeepStem: Bool { tensors[schema.weight(.stem(0), stemCount: 3)] != nil }

  /// The output channels of the stem's convolutions, and what else the stem is.
  private func stem() throws(GraphError) -> (channels: [Int], kind: ResNetConfig.Stem) {
    let count = hasDeepStem ? 3 : 1
    let expected = hasDeepStem ? "[channels, inputs, 3, 3]" : "[channels, 3, 7, 7]"
    let shapes = try (0..<count).map { (index) throws(GraphError) in
      try shape(schema.weight(.stem(index), stemCount: count), expected, rank: 4)
    }
    var kind = ResNetConfig.Stem.pooled
    if count == 1, shapes[0][2...] == [3, 3] {
      kind = .small
    } else if schema.family == .modules {
      kind = .pooledUp
    } else if tensors[schema.weight(.stemPool)] != nil {
      kind = .strided
    }
    return (shapes.map { $0[0] }, kind)
  }

  /// The stages that have a first block; `inner` has the channels between the convolutions of each block.
  private func stages() throws(GraphError) -> [(channels: Int, inner: [[Int]])] {
    var stages: [(channels: Int, inner: [[Int]])] = []
    while stages.isEmpty || hasBlock(0, stage: stages.count) {
      let stage = stages.count
      let kernel = block == .basic ? "3, 3" : "1, 1"
      let name = schema.weight(.branch(block.convolutionCount - 1, block: 0, stage: stage))
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
          let name = schema.weight(.branch(index, block: inner.count, stage: stage))
          widths.append(try shape(name, "[channels, inputs, \(kernel)]", rank: 4)[0])
        }
        inner.append(widths)
      } while hasBlock(inner.count, stage: stage)
      stages.append((last[0] / block.expansion, inner))
    }
    return stages
  }

  /// The channels between the convolutions of each stage's gates; nil without gates.
  private func gates(stages: Int) throws(GraphError) -> [Int]? {
    let names = (0..<stages).map { schema.weight(.gate(0, block: 0, stage: $0)) }
    guard tensors[names[0]] != nil else { return nil }
    return try names.map { (name) throws(GraphError) in
      try shape(name, "[channels, inputs, 1, 1]", rank: 4)[0]
    }
  }

  private func shape(_ name: String, _ expected: String, rank: Int) throws(GraphError) -> [Int] {
    guard let shape = tensors[name]?.shape, shape.count == rank else {
      throw .notTelling(name: name, expected: expected, found: tensors[name]?.shape)
    }
    return shape
  }

  private func hasBlock(_ block: Int, stage: Int) -> Bool {
    tensors[schema.weight(.branch(0, block: block, stage: stage))] != nil
  }

  /// Whether norms have the channels of what the convolutions beside them read, or, if all have as many as they make,
  /// whether there are norms in the blocks and none behind the stem.
  private var isPreactivation: Bool {
    let hasStemNorm = tensors.keys.contains { name in
      [1, 3].contains { count in
        let place = count - 1
        let norm = schema.name(of: .stemNorm(place), stemCount: count, isPooled: false)
        let stem = schema.name(of: .stem(place), stemCount: count, isPooled: false)
        return name.hasPrefix(norm + ".") || name == stem + ".bias"
      }
    }
    let norms = (0..<2).map { tensors[schema.weight(.branchNorm($0, block: 0, stage: 0))] }
    guard !hasStemNorm, !norms.contains(where: { $0 == nil }) else { return false }
    for stage in 0..<4 {
      let shape = tensors[schema.weight(.branch(0, block: 0, stage: stage))]?.shape ?? []
      let norm = tensors[schema.weight(.branchNorm(0, block: 0, stage: stage))]?.shape ?? []
      if shape.count == 4, shape[0] != shape[1] { return norm == [shape[1]] }
    }
    return true
  }
}
