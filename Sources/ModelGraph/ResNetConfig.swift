// SPDX-License-Identifier: Apache-2.0

/// The numbers that make one ResNet out of the family.
///
/// The network is torchvision's: a 7×7 stem with stride 2, a 3×3 max pool with stride 2, stages
/// of residual blocks (each stage but the first halves the image in its first block), average
/// pool, and one linear layer. The stem may be three 3×3 convolutions and the shortcuts may have an
/// average pool, as in ResNet-D.
/// Sources: He et al., "Deep Residual Learning for Image Recognition", 2015; He et al., "Bag of
/// Tricks for Image Classification with Convolutional Neural Networks", 2018.
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

  /// Which convolution of a bottleneck has the stride of the stage.
  public enum BottleneckStride: String, CaseIterable, Hashable, Sendable {
    /// The first 1×1 (V1), as in the paper of 2015.
    case first
    /// The 3×3 (V1.5), as in torchvision and timm.
    case second = "3x3"
  }

  /// The kind of all blocks.
  public let block: Block

  /// The number of blocks in each stage: 1 to 4 stages of 1 to 256 blocks.
  public let blockCounts: [Int]

  /// The width of each stage, 1 to 4096: the output channels of its blocks by `expansion`.
  public let channels: [Int]

  /// The number of logits, 1 to 65536.
  public let outputDimension: Int

  /// The output channels of the stem's convolutions, 1 to 4096: one 7×7, or three 3×3 of which the
  /// first has the stride.
  public let stemChannels: [Int]

  /// The channels between the convolutions of a block in each stage, 1 to 4096. They are `channels`
  /// but for wide networks.
  public let branchChannels: [Int]

  /// The channels between the convolutions of each block of each stage, if they are not `branchChannels`
  /// throughout, as in pruned networks.
  package private(set) var innerChannels: [[[Int]]]?

  /// Where bottlenecks have their stride.
  public let bottleneckStride: BottleneckStride

  /// Whether shortcuts halve the image by an average pool of 2×2 before their 1×1 convolution.
  public let poolsShortcuts: Bool

  /// Makes a configuration of one's own.
  ///
  /// - Parameters:
  ///   - stemChannels: one number or three; nil for one 7×7 of the first stage's width.
  ///   - branchChannels: as many as stages; nil for `channels`.
  /// - Throws: `GraphError.implausible` or `.stageCountMismatch`.
  public init(
    block: Block, blockCounts: [Int], channels: [Int], outputDimension: Int,
    stemChannels: [Int]? = nil, branchChannels: [Int]? = nil,
    bottleneckStride: BottleneckStride = .second, poolsShortcuts: Bool = false
  ) throws(GraphError) {
    try Self.check("number of stages", blockCounts.count, in: 1...4)
    guard blockCounts.count == channels.count else {
      throw .stageCountMismatch(blockCounts: blockCounts.count, channels: channels.count)
    }
    try Self.check("blocks", ofStages: blockCounts, in: 1...256)
    try Self.check("channels", ofStages: channels, in: 1...4096)
    try Self.check("output dimension", outputDimension, in: 1...65536)
    let stem = stemChannels ?? [channels[0]]
    guard stem.count == 1 || stem.count == 3 else {
      throw .implausible(what: "convolutions of the stem", expected: 1...3, found: stem.count)
    }
    for count in stem { try Self.check("channels of the stem", count, in: 1...4096) }
    let branch = branchChannels ?? channels
    guard branch.count == channels.count else {
      throw .stageCountMismatch(blockCounts: blockCounts.count, channels: branch.count)
    }
    try Self.check("channels in the branches", ofStages: branch, in: 1...4096)
    self.block = block
    self.blockCounts = blockCounts
    self.channels = channels
    self.outputDimension = outputDimension
    self.stemChannels = stem
    self.branchChannels = branch
    // A basic block has no such choice, so that equal networks are equal.
    self.bottleneckStride = block == .basic ? .second : bottleneckStride
    self.poolsShortcuts = poolsShortcuts
  }

  /// The same with channels between the convolutions of each block of each stage.
  package func withInnerChannels(_ inner: [[[Int]]]) throws(GraphError) -> ResNetConfig {
    guard inner.map(\.count) == blockCounts,
      inner.joined().allSatisfy({ $0.count == block.convolutionCount - 1 })
    else {
      throw .stageCountMismatch(blockCounts: blockCounts.count, channels: inner.count)
    }
    for count in inner.joined().joined() {
      try Self.check("channels in the branches", count, in: 1...4096)
    }
    var config = self
    let isUniform = zip(inner, branchChannels).allSatisfy { blocks, width in
      blocks.joined().allSatisfy { $0 == width }
    }
    if !isUniform { config.innerChannels = inner }
    return config
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

  private init(known block: Block, _ blockCounts: [Int]) {
    do {
      try self.init(
        block: block, blockCounts: blockCounts, channels: [64, 128, 256, 512],
        outputDimension: 1000)
    } catch { preconditionFailure("\(error)") }
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

  /// `ResNet18` and so on, whatever the output dimension, and what differs from that; otherwise what
  /// is custom about it.
  public var name: String {
    var differences: [String] = []
    if stemChannels != [channels[0]] { differences.append("stem \(list(stemChannels))") }
    if branchChannels != channels { differences.append("branches \(list(branchChannels))") }
    if innerChannels != nil { differences.append("branches pruned one by one") }
    if bottleneckStride == .first { differences.append("stride in the first 1×1") }
    if poolsShortcuts { differences.append("pooled shortcuts") }
    if let known = Self.named.first(where: { hasBlocks(of: $0) }) {
      let name = "ResNet\(known.blockCounts.reduce(0, +) * block.convolutionCount + 2)"
      return differences.isEmpty ? name : "\(name) (\(differences.joined(separator: ", ")))"
    }
    let all =
      ["\(block) blocks \(list(blockCounts))", "channels \(list(channels))"] + differences
    return "custom ResNet (\(all.joined(separator: ", ")))"
  }

  /// Whether blocks, their numbers and the stages' widths are the same.
  func hasBlocks(of other: ResNetConfig) -> Bool {
    (block, blockCounts, channels) == (other.block, other.blockCounts, other.channels)
  }

  private func list(_ numbers: [Int]) -> String {
    numbers.map(String.init).joined(separator: "-")
  }

  private static func check(_ what: String, ofStages values: [Int], in range: ClosedRange<Int>)
    throws(GraphError)
  {
    for (stage, value) in values.enumerated() {
      try check("\(what) of layer\(stage + 1)", value, in: range)
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
