// SPDX-License-Identifier: Apache-2.0

extension ResNetConfig {
  /// The architecture `name`, such as `resnet18`; upper and lower case are the same.
  ///
  /// - Parameter outputDimension: nil for what is usual: 1000 logits, 10 for small images, 512 for faces.
  /// - Throws: `GraphError.unknownArchitecture` or `.implausible`.
  public init(named name: String, outputDimension: Int? = nil) throws(GraphError) {
    guard let found = Self.all.first(where: { $0.name.lowercased() == name.lowercased() }) else {
      throw .unknownArchitecture(name: name)
    }
    self =
      if let outputDimension { try found.config.with(outputDimension: outputDimension) } else {
        found.config
      }
  }

  /// ResNet18 with 1000 logits.
  public static let resnet18 = known(.basic, [2, 2, 2, 2])
  /// ResNet34 with 1000 logits.
  public static let resnet34 = known(.basic, [3, 4, 6, 3])
  /// ResNet50 with 1000 logits.
  public static let resnet50 = known(.bottleneck, [3, 4, 6, 3])
  /// ResNet101 with 1000 logits.
  public static let resnet101 = known(.bottleneck, [3, 4, 23, 3])
  /// ResNet152 with 1000 logits.
  public static let resnet152 = known(.bottleneck, [3, 8, 36, 3])

  /// The architectures that have a name.
  public static let named = all.map(\.config)

  /// What an architecture is called.
  private typealias Named = (name: String, config: ResNetConfig)

  /// Those with nothing special before others.
  private static let all: [Named] =
    [
      ("ResNet18", resnet18), ("ResNet34", resnet34), ("ResNet50", resnet50),
      ("ResNet101", resnet101), ("ResNet152", resnet152),
    ] + small + preactivation + faces + wide + gated

  /// Torchvision's.
  private static let wide: [Named] = [
    ("ResNeXt50_32x4d", wider(resnet50, by: 2, cardinality: 32)),
    ("ResNeXt101_32x8d", wider(resnet101, by: 4, cardinality: 32)),
    ("ResNeXt101_64x4d", wider(resnet101, by: 4, cardinality: 64)),
    ("Wide_ResNet50_2", wider(resnet50, by: 2)), ("Wide_ResNet101_2", wider(resnet101, by: 2)),
  ]

  /// Timm's.
  private static let gated: [Named] = [
    ("SEResNet18", gated(resnet18)), ("SEResNet34", gated(resnet34)),
    ("SEResNet50", gated(resnet50)), ("SEResNet101", gated(resnet101)),
    ("SEResNet152", gated(resnet152)), ("SEResNeXt50_32x4d", gated(wide[0].config)),
    ("SEResNeXt101_32x8d", gated(wide[1].config)),
  ]

  /// The paper's for CIFAR-10.
  private static let small: [Named] = [20, 32, 44, 56, 110].map { depth in
    var config = known(
      .basic, [Int](repeating: (depth - 2) / 6, count: 3), channels: [16, 32, 64], outputs: 10)
    (config.stem, config.shortcut) = (.small, .subsampled)
    return ("ResNet\(depth)", config)
  }

  /// Those of github.com/kuangliu/pytorch-cifar.
  private static let preactivation: [Named] = [
    ("PreActResNet18", resnet18), ("PreActResNet34", resnet34), ("PreActResNet50", resnet50),
    ("PreActResNet101", resnet101), ("PreActResNet152", resnet152),
  ].map { name, plain in
    var config = known(plain.block, plain.blockCounts, outputs: 10)
    (config.stem, config.order) = (.small, .preactivation)
    return (name, config)
  }

  /// Those of github.com/deepinsight/insightface for images of 112 × 112.
  private static let faces: [Named] = [
    ("IResNet18", [2, 2, 2, 2]), ("IResNet34", [3, 4, 6, 3]), ("IResNet50", [3, 4, 14, 3]),
    ("IResNet100", [3, 13, 30, 3]), ("IResNet200", [6, 26, 60, 6]),
  ].map { name, blockCounts in
    var config = known(.basic, blockCounts, outputs: 512)
    (config.stem, config.order, config.embeddedPixels) = (.small, .faces, 7 * 7)
    return (name, config)
  }

  private static func known(
    _ block: Block, _ blockCounts: [Int], channels: [Int] = [64, 128, 256, 512],
    branchChannels: [Int]? = nil, outputs: Int = 1000
  ) -> ResNetConfig {
    do {
      return try ResNetConfig(
        block: block, blockCounts: blockCounts, channels: channels, outputDimension: outputs,
        branchChannels: branchChannels)
    } catch { preconditionFailure("\(error)") }
  }

  private static func wider(_ plain: ResNetConfig, by factor: Int, cardinality: Int = 1)
    -> ResNetConfig
  {
    var config = known(
      plain.block, plain.blockCounts, branchChannels: plain.channels.map { $0 * factor })
    config.cardinality = cardinality
    return config
  }

  /// With gates of a sixteenth of the channels, in multiples of 8.
  private static func gated(_ plain: ResNetConfig) -> ResNetConfig {
    var config = plain
    config.gateChannels = plain.channels.map { max(8, ($0 * plain.expansion / 16 + 4) / 8 * 8) }
    return config
  }

  /// `ResNet18` and so on, whatever the output dimension, and what differs from that; otherwise what
  /// is custom about it.
  public var name: String {
    if let known = architecture {
      let differences = differences(from: known.config)
      return differences.isEmpty
        ? known.name : "\(known.name) (\(differences.joined(separator: ", ")))"
    }
    var plain = self
    plain.stem = order == .faces ? .small : .pooled
    (plain.shortcut, plain.cardinality) = (.convolution, 1)
    plain.gateChannels = nil
    let all =
      ["\(block) blocks \(list(blockCounts))", "channels \(list(channels))"]
      + differences(from: plain, branchChannels: channels)
    let kind =
      switch order {
      case .original: "ResNet"
      case .preactivation: "pre-activation ResNet"
      case .faces: "IResNet"
      }
    return "custom \(kind) (\(all.joined(separator: ", ")))"
  }

  /// Whether both are called after the same architecture.
  func isNamed(like other: ResNetConfig) -> Bool {
    architecture.map { $0.name == other.architecture?.name } ?? false
  }

  /// The architecture that it is called after: one with its blocks, widths and gates, or at least with its blocks.
  private var architecture: Named? {
    let candidates = Self.all.filter { $0.config.hasBlocks(of: self) }
    return candidates.first { known in
      (branchChannels, cardinality, gateChannels == nil)
        == (known.config.branchChannels, known.config.cardinality, known.config.gateChannels == nil)
    } ?? candidates.first
  }

  /// Whether the order of layers, blocks, their numbers and the stages' widths are the same.
  private func hasBlocks(of other: ResNetConfig) -> Bool {
    (order, block, blockCounts, channels)
      == (other.order, other.block, other.blockCounts, other.channels)
  }

  /// In what it differs from another network of the same blocks.
  private func differences(from other: ResNetConfig, branchChannels usual: [Int]? = nil) -> [String]
  {
    var found: [String] = []
    if stem != other.stem {
      switch stem {
      case .pooled: found.append("large stem")
      case .pooledUp: found.append("max pool rounded up")
      case .strided: found.append("stem without max pool")
      case .small: found.append("3×3 stem")
      }
    }
    if stemChannels != [channels[0]] { found.append("stem \(list(stemChannels))") }
    if branchChannels != usual ?? other.branchChannels {
      found.append("branches \(list(branchChannels))")
    }
    if innerChannels != nil { found.append("branches pruned one by one") }
    if cardinality != other.cardinality { found.append("\(cardinality) groups") }
    if let gateChannels, gateChannels != other.gateChannels {
      found.append("gates \(list(gateChannels))")
    }
    if bottleneckStride == .first { found.append("stride in the first 1×1") }
    if shortcut != other.shortcut {
      switch shortcut {
      case .convolution: found.append("shortcuts with convolutions")
      case .pooled: found.append("pooled shortcuts")
      case .subsampled: found.append("subsampled shortcuts")
      }
    }
    switch antiAliasing {
    case .blur: found.append("blurred")
    case .average: found.append("averaged instead of strided")
    case nil: break
    }
    if let outputStride { found.append("output stride \(outputStride)") }
    return found
  }

  private func list(_ numbers: [Int]) -> String {
    numbers.map(String.init).joined(separator: "-")
  }
}
