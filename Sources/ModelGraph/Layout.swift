// SPDX-License-Identifier: Apache-2.0

import ResNetModelImport

/// The layers of a configuration with the names of their tensors, without weights.
struct Layout {
  /// A convolution and the batch norm after it, which may have been folded into it.
  struct Convolution {
    /// The name in the graph, which is torchvision's.
    var name: String
    /// The names of its tensors up to `.weight`, `.running_mean` and so on.
    var prefixes: TensorNaming.Prefixes
    var inputChannels: Int
    var outputChannels: Int
    var kernelSize: Int
    var stride: Int
    var isRectified: Bool
    /// Whether the stride is that of an average pool of 2×2 before the convolution.
    var isPooled = false

    /// Output, input, height, width.
    var shape: [Int] { [outputChannels, inputChannels, kernelSize, kernelSize] }

    var weightName: String { prefixes.convolution + ".weight" }
    var biasName: String { prefixes.convolution + ".bias" }
    var gammaName: String { prefixes.norm + ".weight" }
    var betaName: String { prefixes.norm + ".bias" }
    var meanName: String { prefixes.norm + ".running_mean" }
    var varianceName: String { prefixes.norm + ".running_var" }
    /// A counter of training steps, which inference has no use for.
    var counterName: String { prefixes.norm + ".num_batches_tracked" }

    var normNames: [String] { [gammaName, betaName, meanName, varianceName] }
  }

  struct Block {
    var name: String
    var branch: [Convolution]
    /// The convolution of the shortcut; nil for the identity.
    var downsample: Convolution?
  }

  var stem: [Convolution] = []
  var blocks: [Block] = []
  /// The name of the linear layer's tensors up to `.weight` and `.bias`.
  let head: String

  var convolutions: [Convolution] {
    stem + blocks.flatMap { $0.branch + ($0.downsample.map { [$0] } ?? []) }
  }

  init(_ config: ResNetConfig, naming: TensorNaming = .torchvision) {
    head = naming.head
    var input = 3
    let stemCount = config.stemChannels.count
    for (index, outputs) in config.stemChannels.enumerated() {
      stem.append(
        Convolution(
          name: TensorNaming.torchvision.stem(index, of: stemCount).convolution,
          prefixes: naming.stem(index, of: stemCount), inputChannels: input,
          outputChannels: outputs, kernelSize: stemCount == 1 ? 7 : 3, stride: index == 0 ? 2 : 1,
          isRectified: true))
      input = outputs
    }
    for (stage, count) in config.blockCounts.enumerated() {
      for index in 0..<count {
        let stride = stage > 0 && index == 0 ? 2 : 1
        blocks.append(
          Self.block(index, stage: stage, config, naming, input: input, stride: stride))
        input = config.channels[stage] * config.expansion
      }
    }
  }

  private static func block(
    _ index: Int, stage: Int, _ config: ResNetConfig, _ naming: TensorNaming, input: Int,
    stride: Int
  ) -> Block {
    let name = "layer\(stage + 1).\(index)"
    let width = config.branchChannels[stage]
    let output = config.channels[stage] * config.expansion
    // V1 has the stride of a bottleneck in the first 1×1 convolution, V1.5 in the 3×3 one.
    let (first, second) = config.bottleneckStride == .first ? (stride, 1) : (1, stride)
    // (kernel, stride, output channels) of each convolution.
    let shapes: [(Int, Int, Int)] =
      switch config.block {
      case .basic: [(3, stride, width), (3, 1, output)]
      case .bottleneck: [(1, first, width), (3, second, width), (1, 1, output)]
      }
    var branch: [Convolution] = []
    var channels = input
    for (place, (kernel, stride, outputs)) in shapes.enumerated() {
      branch.append(
        Convolution(
          name: "\(name).conv\(place + 1)",
          prefixes: naming.branch(place, block: index, stage: stage), inputChannels: channels,
          outputChannels: outputs, kernelSize: kernel, stride: stride,
          isRectified: place < shapes.count - 1))
      channels = outputs
    }
    var downsample: Convolution?
    if stride != 1 || input != output {
      downsample = Convolution(
        name: "\(name).downsample",
        prefixes: naming.shortcut(block: index, stage: stage, isPooled: config.poolsShortcuts),
        inputChannels: input, outputChannels: output, kernelSize: 1, stride: stride,
        isRectified: false, isPooled: config.poolsShortcuts && stride != 1)
    }
    return Block(name: name, branch: branch, downsample: downsample)
  }
}
