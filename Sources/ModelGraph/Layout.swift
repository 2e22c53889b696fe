// SPDX-License-Identifier: Apache-2.0

/// The layers of a configuration with torchvision's tensor names, without weights.
struct Layout {
  /// A convolution without bias and the batch norm after it.
  struct Convolution {
    /// The name in the graph.
    var name: String
    /// The names of its tensors up to `.weight`, `.running_mean` and so on.
    var tensorPrefix: String
    var normPrefix: String
    var inputChannels: Int
    var outputChannels: Int
    var kernelSize: Int
    var stride: Int
    var isRectified: Bool

    /// Output, input, height, width.
    var shape: [Int] { [outputChannels, inputChannels, kernelSize, kernelSize] }

    var weightName: String { tensorPrefix + ".weight" }
    var gammaName: String { normPrefix + ".weight" }
    var betaName: String { normPrefix + ".bias" }
    var meanName: String { normPrefix + ".running_mean" }
    var varianceName: String { normPrefix + ".running_var" }
    /// A counter of training steps, which inference has no use for.
    var counterName: String { normPrefix + ".num_batches_tracked" }
  }

  struct Block {
    var name: String
    var branch: [Convolution]
    /// The convolution of the shortcut; nil for the identity.
    var downsample: Convolution?
  }

  var stem: Convolution
  var blocks: [Block] = []

  var convolutions: [Convolution] {
    [stem] + blocks.flatMap { $0.branch + ($0.downsample.map { [$0] } ?? []) }
  }

  init(_ config: ResNetConfig) {
    stem = Convolution(
      name: "conv1", tensorPrefix: "conv1", normPrefix: "bn1", inputChannels: 3,
      outputChannels: config.channels[0], kernelSize: 7, stride: 2, isRectified: true)
    var input = config.channels[0]
    for (stage, count) in config.blockCounts.enumerated() {
      for index in 0..<count {
        let block = Self.block(
          "layer\(stage + 1).\(index)", config.block, input: input, width: config.channels[stage],
          stride: stage > 0 && index == 0 ? 2 : 1)
        blocks.append(block)
        input = config.channels[stage] * config.expansion
      }
    }
  }

  private static func block(
    _ name: String, _ kind: ResNetConfig.Block, input: Int, width: Int, stride: Int
  ) -> Block {
    let output = width * kind.expansion
    // (kernel, stride, output channels) of each convolution.
    let shapes: [(Int, Int, Int)] =
      switch kind {
      case .basic: [(3, stride, width), (3, 1, width)]
      case .bottleneck: [(1, 1, width), (3, stride, width), (1, 1, output)]
      }
    var branch: [Convolution] = []
    var channels = input
    for (index, (kernel, stride, outputs)) in shapes.enumerated() {
      branch.append(
        Convolution(
          name: "\(name).conv\(index + 1)", tensorPrefix: "\(name).conv\(index + 1)",
          normPrefix: "\(name).bn\(index + 1)", inputChannels: channels, outputChannels: outputs,
          kernelSize: kernel, stride: stride, isRectified: index < shapes.count - 1))
      channels = outputs
    }
    var downsample: Convolution?
    if stride != 1 || input != output {
      downsample = Convolution(
        name: "\(name).downsample", tensorPrefix: "\(name).downsample.0",
        normPrefix: "\(name).downsample.1", inputChannels: input, outputChannels: output,
        kernelSize: 1, stride: stride, isRectified: false)
    }
    return Block(name: name, branch: branch, downsample: downsample)
  }
}
