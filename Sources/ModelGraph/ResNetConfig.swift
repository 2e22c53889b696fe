// SPDX-License-Identifier: Apache-2.0

/// The numbers that make one ResNet out of the family.
///
/// Without further properties the network is torchvision's: a 7×7 stem with stride 2, a 3×3 max pool with
/// stride 2, stages of residual blocks (each stage but the first halves the image in its first block), average
/// pool, and one linear layer. The stem may be three 3×3 convolutions and the shortcuts may have an
/// average pool, as in ResNet-D; 3×3 convolutions may have groups, as in ResNeXt; blocks may have gates, as in
/// SE-ResNet.
/// Sources: He et al., "Deep Residual Learning for Image Recognition", 2015; He et al., "Bag of
/// Tricks for Image Classification with Convolutional Neural Networks", 2018; and those of the properties.
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

  /// The order of layers in blocks.
  public enum Order: Hashable, Sendable {
    /// Convolution, norm and ReLU; the last ReLU is behind the sum (V1).
    case original
    /// Norm, ReLU and convolution, and nothing behind the sum (V2).
    /// Source: He et al., "Identity Mappings in Deep Residual Networks", 2016.
    case preactivation
    /// Norm, 3×3 convolution, norm, PReLU, 3×3 convolution with the stride, norm, and nothing behind the sum. Every
    /// stage halves the image, and a linear layer of all pixels and a norm make an embedding (IResNet).
    /// Source: Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", 2018.
    case faces
  }

  /// What is before the stages.
  public enum Stem: Hashable, Sendable {
    /// One 7×7 or three 3×3 convolutions of stride 2, and a 3×3 max pool of stride 2.
    case pooled
    /// The same, but the pool has no padding and rounds up, as in Caffe.
    case pooledUp
    /// A 3×3 convolution of stride 2 instead of the pool.
    /// Source: Bello et al., "Revisiting ResNets", 2021.
    case strided
    /// One 3×3 convolution of stride 1, for small images.
    case small
  }

  /// What shortcuts have where the image or the number of channels changes.
  public enum Shortcut: Hashable, Sendable {
    /// A 1×1 convolution with the stride (option B of the paper of 2015).
    case convolution
    /// An average pool of 2×2 with the stride, and a 1×1 convolution.
    case pooled
    /// Every second pixel, and as many channels of zeros before as behind (option A).
    case subsampled
  }

  /// What halves images instead of strides of 3×3 convolutions and of the max pool.
  /// Source: Zhang, "Making Convolutional Networks Shift-Invariant Again", 2019.
  public enum AntiAliasing: String, CaseIterable, Hashable, Sendable {
    /// A blur behind them, as in timm's `resnetblur`.
    case blur
    /// An average pool of 2×2 behind convolutions, and instead of the max pool, as in timm's `resnetaa`.
    case average
  }

  /// How PyTorch's module calls its parts.
  public enum Names: Hashable, Sendable {
    /// `conv1`, `layer1.0.conv1`, as in torchvision.
    case layers
    /// `stem.conv`, `stages.0.blocks.0.conv1`, as in timm's `resnetv2`.
    case stages
  }

  /// The kind of all blocks.
  public let block: Block

  /// The number of blocks in each stage: 1 to 4 stages of 1 to 256 blocks.
  public let blockCounts: [Int]

  /// The width of each stage, 1 to 4096: the output channels of its blocks by `expansion`.
  public let channels: [Int]

  /// The number of logits, or of an embedding's elements, 1 to 65536; 0 without a classifier.
  public private(set) var outputDimension: Int

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

  public package(set) var order = Order.original
  public package(set) var stem = Stem.pooled
  public package(set) var shortcut: Shortcut

  /// The groups of the 3×3 convolutions of bottlenecks.
  /// Source: Xie et al., "Aggregated Residual Transformations for Deep Neural Networks", 2016.
  public package(set) var cardinality = 1

  /// The channels between the two convolutions of each stage's gates; nil for blocks without gates.
  /// Source: Hu et al., "Squeeze-and-Excitation Networks", 2017.
  public package(set) var gateChannels: [Int]?

  /// Whether basic blocks have a ReLU before their gate too.
  package var rectifiesGatedSums = false

  public package(set) var antiAliasing: AntiAliasing?

  /// By what the image's size is divided in the last stage, if that is less than by all strides: stages from there
  /// on have dilation instead of a stride.
  public private(set) var outputStride: Int?

  /// Whether a pre-activation network has a norm and a ReLU behind its last stage.
  public package(set) var normsLast = false

  public package(set) var names = Names.layers

  /// The pixels of the last stage's image that the linear layer of faces reads.
  public package(set) var embeddedPixels = 1

  /// Whether shortcuts halve the image by an average pool of 2×2 before their 1×1 convolution.
  public var poolsShortcuts: Bool { shortcut == .pooled }

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
    shortcut = poolsShortcuts ? .pooled : .convolution
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

  /// The same without a classifier.
  package func withoutClassifier() -> ResNetConfig {
    var config = self
    config.outputDimension = 0
    return config
  }

  /// The same with dilation instead of strides in the last stages.
  ///
  /// - Parameter outputStride: 1 or a product of the network's strides; nil for all of them.
  package func withOutputStride(_ outputStride: Int?) throws(GraphError) -> ResNetConfig {
    var config = self
    config.outputStride = nil
    let most = config.stages.reduce(stem == .small ? 1 : 4) { $0 * $1.stride }
    guard let outputStride, outputStride != most else { return config }
    // Those for faces have no such stages, and the stem keeps its strides.
    let least = order == .faces ? most : stem == .small ? 1 : 4
    try Self.check("output stride", outputStride, in: least...most)
    guard outputStride.nonzeroBitCount == 1 else {
      throw .implausible(
        what: "output stride, a power of 2", expected: least...most, found: outputStride)
    }
    config.outputStride = outputStride
    return config
  }

  /// The same with another number of outputs.
  package func with(outputDimension: Int) throws(GraphError) -> ResNetConfig {
    try Self.check("output dimension", outputDimension, in: 1...65536)
    var config = self
    config.outputDimension = outputDimension
    return config
  }

  /// The images that a network with a stem for small ones is for: of faces, those whose last stage has as many pixels as
  /// the linear layer reads, if they are square; of CIFAR, 32 × 32. Nil for networks that take any.
  public var usualExtent: Network.Extent? {
    guard stem == .small else { return nil }
    guard order == .faces else { return Network.Extent(32) }
    let side = Int(Double(embeddedPixels).squareRoot())
    guard side * side == embeddedPixels else { return nil }
    return Network.Extent(stages.reduce(side) { $0 * $1.stride })
  }

  /// The channels of a block's output for one of its stage's width: 1 or 4.
  public var expansion: Int { block.expansion }

  /// The number of features before the linear layer.
  public var featureCount: Int { channels[channels.count - 1] * expansion }

  /// The stride of each stage's first block, the dilation of its strided convolution, and that of all others.
  var stages: [(stride: Int, firstDilation: Int, dilation: Int)] {
    var (reached, dilation, last) = (stem == .small ? 1 : 4, 1, 1)
    return blockCounts.indices.map { stage in
      var stride = stage == 0 && order != .faces ? 1 : 2
      if let outputStride, reached >= outputStride {
        dilation *= stride
        stride = 1
      }
      reached *= stride
      defer { last = dilation }
      return (stride, last, dilation)
    }
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
