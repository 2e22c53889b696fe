// SPDX-License-Identifier: Apache-2.0

/// A convolution with its batch norm folded in.
public struct Convolution: Equatable, Sendable {
  /// `conv1`, `conv1.3`, `layer1.0.conv1` or `layer2.0.downsample`.
  public var name: String
  public var inputChannels: Int
  public var outputChannels: Int
  /// The height and width of the kernel: 1, 2 (a pooled shortcut), 3 or 7.
  public var kernelSize: Int
  /// The step in both directions: 1 or 2.
  public var stride: Int
  /// The zeros added on each side of the input, in pixels: half of an odd kernel, none for 2.
  public var padding: Int
  /// Row-major `[outputChannels][inputChannels][kernelSize][kernelSize]`, all finite.
  public var weights: [Float]
  /// One value for each output channel, all finite.
  public var bias: [Float]
  /// Whether a ReLU follows at once. False for the last convolution of a branch and for a
  /// shortcut, whose sum is rectified.
  public var isRectified: Bool
}

/// A residual block: `output = relu(branch(x) + shortcut(x))`.
public struct ResidualBlock: Equatable, Sendable {
  /// What is added to the branch.
  public enum Shortcut: Equatable, Sendable {
    /// The block's input.
    case identity
    /// A 1×1 convolution of the block's input, or a 2×2 one if the input is pooled before.
    case convolution(Convolution)
  }

  /// `layer1.0` and so on.
  public var name: String
  /// 2 convolutions for a basic block, 3 for a bottleneck, none if the branch was dropped, in
  /// which case it adds zero: see `Graph.dropDeadBranches()`.
  public var branch: [Convolution]
  public var shortcut: Shortcut
}

/// The linear layer that makes logits of features.
public struct Linear: Equatable, Sendable {
  /// `fc`.
  public var name: String
  public var inputCount: Int
  public var outputCount: Int
  /// Row-major `[outputCount][inputCount]`, all finite.
  public var weights: [Float]
  /// One value for each output, all finite.
  public var bias: [Float]
}

/// A ResNet as inference needs it.
///
/// The order is: the convolutions of `stem`, a 3×3 max pool with stride 2 and padding 1, `blocks`, the average over
/// all pixels, `head`.
public struct Graph: Equatable, Sendable {
  public var config: ResNetConfig
  public var stem: [Convolution]
  public var blocks: [ResidualBlock]
  public var head: Linear

  /// Drops each branch that adds nothing, because its last convolution has only zeros as folded
  /// weights and bias, as zero-initialized residuals and pruned models have.
  ///
  /// The block's output is then `relu(shortcut(x))`. Behind an identity shortcut that is `x`
  /// itself, since every block's input is already rectified, so the block needs no work at all.
  ///
  /// - Returns: the names of the blocks whose branch was dropped by this call.
  @discardableResult
  public mutating func dropDeadBranches() -> [String] {
    var dropped: [String] = []
    for index in blocks.indices {
      guard let last = blocks[index].branch.last else { continue }
      if last.weights.allSatisfy({ $0 == 0 }) && last.bias.allSatisfy({ $0 == 0 }) {
        blocks[index].branch = []
        dropped.append(blocks[index].name)
      }
    }
    return dropped
  }

  /// Checks that images of `inputSize` pixels suit the network.
  ///
  /// A pooled shortcut needs an even size: its last window would hold one row of the image only, and
  /// frameworks differ in what they then do.
  ///
  /// - Throws: `GraphError.oddPooledSize`.
  public func check(inputSize: Int) throws(GraphError) {
    guard config.poolsShortcuts else { return }
    var size = stem.reduce(inputSize) { $1.outputSize($0) }
    size = (size + 1) / 2
    for stage in config.blockCounts.indices.dropFirst() {
      guard size.isMultiple(of: 2) else {
        throw .oddPooledSize(inputSize: inputSize, block: "layer\(stage + 1).0", size: size)
      }
      size /= 2
    }
  }
}
