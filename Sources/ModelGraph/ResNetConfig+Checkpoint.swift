// SPDX-License-Identifier: Apache-2.0

public import ModelImport

extension ResNetConfig {
  /// Reads the configuration off a checkpoint with torchvision's tensor names, and checks every
  /// tensor against it.
  ///
  /// Block kind and counts come from the names, widths and output dimension from the shapes.
  /// The position of a bottleneck's stride leaves no trace in a checkpoint: it is taken to be
  /// torchvision's.
  ///
  /// - Parameters:
  ///   - checkpoint: the tensors.
  ///   - architecture: the name that the configuration must have, such as `resnet50`, or nil.
  /// - Throws: `GraphError`, for the first tensor in the order of the network that is missing or
  ///   wrong, or the first in the alphabet that is unexpected.
  public init(describing checkpoint: Checkpoint, requiring architecture: String? = nil)
    throws(GraphError)
  {
    let tensors = checkpoint.tensors
    let stem = try Self.shape(tensors, "conv1.weight", "[channels, 3, 7, 7]", rank: 4)
    let block: Block = tensors["layer1.0.conv3.weight"] == nil ? .basic : .bottleneck
    var blockCounts: [Int] = []
    var channels: [Int] = []
    while blockCounts.isEmpty || tensors["layer\(blockCounts.count + 1).0.conv1.weight"] != nil {
      let stage = "layer\(blockCounts.count + 1)"
      let kernel = block == .basic ? "3, 3" : "1, 1"
      let first = try Self.shape(
        tensors, "\(stage).0.conv1.weight", "[channels, inputs, \(kernel)]", rank: 4)
      channels.append(first[0])
      var count = 1
      while tensors["\(stage).\(count).conv1.weight"] != nil { count += 1 }
      blockCounts.append(count)
    }
    let head = try Self.shape(tensors, "fc.weight", "[outputs, features]", rank: 2)
    try self.init(
      block: block, blockCounts: blockCounts, channels: channels, outputDimension: head[0])

    if let architecture {
      let required = try ResNetConfig(named: architecture)
      guard required.name == name else {
        throw .architectureMismatch(expected: required.name, found: name)
      }
    }
    // The stem is not part of `channels`, so a stem of another width is named here rather than
    // the block behind it.
    guard stem[0] == channels[0] else {
      throw .wrongShape(name: "conv1.weight", expected: [channels[0], 3, 7, 7], found: stem)
    }
    try check(checkpoint)
  }

  /// Checks that a checkpoint has exactly the tensors of this configuration, each with its shape,
  /// and no negative variance.
  ///
  /// Batch norm's `num_batches_tracked` may be absent.
  ///
  /// - Throws: `GraphError`, as `init(describing:requiring:)`.
  public func check(_ checkpoint: Checkpoint) throws(GraphError) {
    let convolutions = Layout(self).convolutions
    var known: Set<String> = ["fc.weight", "fc.bias"]
    func require(_ name: String, _ shape: [Int]) throws(GraphError) {
      guard let tensor = checkpoint.tensors[name] else {
        throw .missingTensor(name: name, expected: shape)
      }
      guard tensor.shape == shape else {
        throw .wrongShape(name: name, expected: shape, found: tensor.shape)
      }
    }
    for convolution in convolutions {
      try require(convolution.weightName, convolution.shape)
      known.insert(convolution.weightName)
      for name in [
        convolution.gammaName, convolution.betaName, convolution.meanName,
        convolution.varianceName,
      ] {
        try require(name, [convolution.outputChannels])
        known.insert(name)
      }
      let variances = checkpoint.tensors[convolution.varianceName]?.values ?? []
      if let index = variances.firstIndex(where: { $0 < 0 }) {
        throw .negativeVariance(
          name: convolution.varianceName, index: index, found: variances[index])
      }
    }
    try require("fc.weight", [outputDimension, featureCount])
    try require("fc.bias", [outputDimension])

    // Some converters turn the counters into floating point as well.
    known.formUnion(convolutions.map(\.counterName))
    for name in checkpoint.tensors.keys.sorted() where !known.contains(name) {
      throw .unexpectedTensor(
        name: name, found: checkpoint.tensors[name]?.shape ?? [], configuration: self.name)
    }
    for name in checkpoint.skipped where !known.contains(name) {
      throw .unexpectedIntegerTensor(name: name, configuration: self.name)
    }
  }

  private static func shape(
    _ tensors: [String: Tensor], _ name: String, _ expected: String, rank: Int
  ) throws(GraphError) -> [Int] {
    guard let shape = tensors[name]?.shape, shape.count == rank else {
      throw .notTelling(name: name, expected: expected, found: tensors[name]?.shape)
    }
    return shape
  }
}
