// SPDX-License-Identifier: Apache-2.0

/// The numbers that make one ResNet out of the family.
///
/// The network is torchvision's: a 7×7 stem with stride 2, a 3×3 max pool with stride 2, stages
/// of residual blocks (each stage but the first halves the image in its first block), average
/// pool, and one linear layer. A bottleneck has its stride in the 3×3 convolution (V1.5).
/// Source: He et al., "Deep Residual Learning for Image Recognition", 2015.
public struct ResNetConfig: Hashable, Sendable {
  /// The two kinds of residual block.
  public enum Block: Hashable, Sendable {
    /// Two 3×3 convolutions.
    case basic
    /// 1×1, 3×3 and 1×1 convolutions; the last has four times the channels.
    case bottleneck

    /// The block's output channels for one of the stage's width: 1 or 4.
    public var expansion: Int { self == .basic ? 1 : 4 }

    /// The convolutions in the block's branch: 2 or 3.
    public var convolutionCount: Int { self == .basic ? 2 : 3 }
  }

  /// The kind of all blocks.
  public let block: Block

  /// The number of blocks in each stage: 1 to 4 stages of 1 to 256 blocks.
  public let blockCounts: [Int]

  /// The width of each stage, 1 to 4096; the stem has the first stage's.
  public let channels: [Int]

  /// The number of logits, 1 to 65536.
  public let outputDimension: Int

  /// Makes a configuration of one's own.
  ///
  /// - Throws: `GraphError.implausible` or `.stageCountMismatch`.
  public init(block: Block, blockCounts: [Int], channels: [Int], outputDimension: Int)
    throws(GraphError)
  {
    try Self.check("number of stages", blockCounts.count, in: 1...4)
    guard blockCounts.count == channels.count else {
      throw .stageCountMismatch(blockCounts: blockCounts.count, channels: channels.count)
    }
    for (stage, count) in blockCounts.enumerated() {
      try Self.check("blocks of layer\(stage + 1)", count, in: 1...256)
    }
    for (stage, count) in channels.enumerated() {
      try Self.check("channels of layer\(stage + 1)", count, in: 1...4096)
    }
    try Self.check("output dimension", outputDimension, in: 1...65536)
    self.init(known: block, blockCounts, channels, outputDimension)
  }

  /// The architecture `name`, such as `resnet18`; upper and lower case are the same.
  ///
  /// - Throws: `GraphError.unknownArchitecture` or `.implausible`.
  public init(named name: String, outputDimension: Int = 1000) throws(GraphError) {
    guard let found = Self.named.first(where: { $0.name.lowercased() == name.lowercased() }) else {
      throw .unknownArchitecture(name: name)
    }
    try self.init(
      block: found.block, blockCounts: found.blockCounts, channels: found.channels,
      outputDimension: outputDimension)
  }

  private init(
    known block: Block, _ blockCounts: [Int], _ channels: [Int] = [64, 128, 256, 512],
    _ outputDimension: Int = 1000
  ) {
    self.block = block
    self.blockCounts = blockCounts
    self.channels = channels
    self.outputDimension = outputDimension
  }

  /// ResNet18 with 1000 logits.
  public static let resnet18 = ResNetConfig(known: .basic, [2, 2, 2, 2])
  /// ResNet34 with 1000 logits.
  public static let resnet34 = ResNetConfig(known: .basic, [3, 4, 6, 3])
  /// ResNet50 with 1000 logits.
  public static let resnet50 = ResNetConfig(known: .bottleneck, [3, 4, 6, 3])
  /// ResNet101 with 1000 logits.
  public static let resnet101 = ResNetConfig(known: .bottleneck, [3, 4, 23, 3])
  /// ResNet152 with 1000 logits.
  public static let resnet152 = ResNetConfig(known: .bottleneck, [3, 8, 36, 3])

  /// The architectures that have a name.
  public static let named = [resnet18, resnet34, resnet50, resnet101, resnet152]

  /// The channels of a block's output for one of its stage's width: 1 or 4.
  public var expansion: Int { block.expansion }

  /// The number of features before the linear layer.
  public var featureCount: Int { channels[channels.count - 1] * expansion }

  /// `ResNet18` and so on, whatever the output dimension; otherwise what is custom about it.
  public var name: String {
    switch (block, blockCounts, channels) {
    case (.basic, [2, 2, 2, 2], [64, 128, 256, 512]): return "ResNet18"
    case (.basic, [3, 4, 6, 3], [64, 128, 256, 512]): return "ResNet34"
    case (.bottleneck, [3, 4, 6, 3], [64, 128, 256, 512]): return "ResNet50"
    case (.bottleneck, [3, 4, 23, 3], [64, 128, 256, 512]): return "ResNet101"
    case (.bottleneck, [3, 8, 36, 3], [64, 128, 256, 512]): return "ResNet152"
    default:
      let counts = blockCounts.map(String.init).joined(separator: "-")
      let widths = channels.map(String.init).joined(separator: "-")
      return "custom ResNet (\(block) blocks \(counts), channels \(widths))"
    }
  }

  private static func check(_ what: String, _ value: Int, in range: ClosedRange<Int>)
    throws(GraphError)
  {
    guard range.contains(value) else {
      throw .implausible(what: what, expected: range, found: value)
    }
  }
}
