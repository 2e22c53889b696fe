// SPDX-License-Identifier: Apache-2.0

import ResNetModelImport

/// Reads the numbers of a configuration off a checkpoint's tensors, which are checked later.
struct ConfigReader {
  struct Stage {
    var count: Int
    var channels: Int
    var branchChannels: Int
  }

  let naming: TensorNaming
  let block: ResNetConfig.Block
  private let tensors: [String: Tensor]

  init(_ checkpoint: Checkpoint) {
    tensors = checkpoint.tensors
    naming = TensorNaming(of: checkpoint)
    let third = naming.branch(2, block: 0, stage: 0).convolution + ".weight"
    block = checkpoint.tensors[third] == nil ? .basic : .bottleneck
  }

  /// Whether some shortcut's convolution is where it is behind a pool.
  var poolsShortcuts: Bool {
    (0..<4).contains { stage in
      let prefixes = naming.shortcut(block: 0, stage: stage, isPooled: true)
      return tensors[prefixes.convolution + ".weight"]?.shape.count == 4
        && tensors[
          naming.shortcut(block: 0, stage: stage, isPooled: false).convolution + ".weight"]?
          .shape.count != 4
    }
  }

  /// The output channels of the stem's convolutions.
  func stem() throws(GraphError) -> [Int] {
    if let name = preactivationName { throw .preactivation(name: name) }
    let isDeep =
      tensors[naming.stem(0, of: 3).convolution + ".weight"] != nil && naming == .torchvision
    var channels: [Int] = []
    for index in 0..<(isDeep ? 3 : 1) {
      let name = naming.stem(index, of: isDeep ? 3 : 1).convolution + ".weight"
      let expected = isDeep ? "[channels, inputs, 3, 3]" : "[channels, 3, 7, 7]"
      channels.append(try shape(name, expected, rank: 4)[0])
    }
    return channels
  }

  /// The stages that have a first block.
  func stages() throws(GraphError) -> [Stage] {
    var stages: [Stage] = []
    while stages.isEmpty || hasBlock(0, stage: stages.count) {
      let stage = stages.count
      let kernel = block == .basic ? "3, 3" : "1, 1"
      let first = try shape(
        weight(0, block: 0, stage: stage), "[channels, inputs, \(kernel)]", rank: 4)
      let last = try shape(
        weight(block.convolutionCount - 1, block: 0, stage: stage),
        "[outputs, channels, \(kernel)]", rank: 4)
      guard last[0].isMultiple(of: block.expansion) else {
        throw .notTelling(
          name: weight(block.convolutionCount - 1, block: 0, stage: stage),
          expected: "[a multiple of \(block.expansion), channels, \(kernel)]", found: last)
      }
      var count = 1
      while hasBlock(count, stage: stage) { count += 1 }
      stages.append(
        Stage(count: count, channels: last[0] / block.expansion, branchChannels: first[0]))
    }
    return stages
  }

  func shape(_ name: String, _ expected: String, rank: Int) throws(GraphError) -> [Int] {
    guard let shape = tensors[name]?.shape, shape.count == rank else {
      throw .notTelling(name: name, expected: expected, found: tensors[name]?.shape)
    }
    return shape
  }

  private func weight(_ index: Int, block: Int, stage: Int) -> String {
    naming.branch(index, block: block, stage: stage).convolution + ".weight"
  }

  private func hasBlock(_ block: Int, stage: Int) -> Bool {
    tensors[weight(0, block: block, stage: stage)] != nil
  }

  /// A batch norm that only pre-activation networks have: timm's `resnetv2` numbers it with its block,
  /// others have one in the blocks and none behind the stem.
  private var preactivationName: String? {
    let inBlock = "stages.0.blocks.0.norm1.weight"
    if tensors[inBlock] != nil { return inBlock }
    let first = "layer1.0.bn1.weight"
    let hasStemNorm = tensors.keys.contains { $0.hasPrefix("bn1.") || $0 == "conv1.bias" }
    let hasBlockNorms = tensors["layer1.0.bn2.weight"] != nil && tensors[first] != nil
    return !hasStemNorm && hasBlockNorms ? first : nil
  }
}
