// SPDX-License-Identifier: Apache-2.0

public import ResNetModelImport

extension ResNetConfig {
  /// Reads the configuration off a checkpoint with the tensor names of torchvision, timm or Hugging
  /// Face's ResNetForImageClassification, and checks every tensor against it.
  ///
  /// Block kind and counts come from the names, widths and output dimension from the shapes.
  /// The place of a bottleneck's stride leaves no trace in tensors, only in the graph of an ONNX
  /// model.
  ///
  /// - Parameters:
  ///   - checkpoint: the tensors.
  ///   - architecture: the name that the configuration must have, such as `resnet50`, or nil.
  ///   - bottleneckStride: where the stride of bottlenecks is; nil for what the checkpoint's graph
  ///     says, and if it has none for torchvision's place.
  /// - Throws: `GraphError`, for the first tensor in the order of the network that is missing or
  ///   wrong, or the first in the alphabet that is unexpected.
  public init(
    describing checkpoint: Checkpoint, requiring architecture: String? = nil,
    bottleneckStride: BottleneckStride? = nil
  ) throws(GraphError) {
    let reader = ConfigReader(checkpoint)
    let (stem, stages) = try (reader.stem(), reader.stages())
    let head = try reader.shape(reader.naming.head + ".weight", "[outputs, features]", rank: 2)
    let graphStride = checkpoint.hasStrideInFirstConvolution.map {
      $0 ? BottleneckStride.first : .second
    }
    try self.init(
      block: reader.block, blockCounts: stages.map(\.count), channels: stages.map(\.channels),
      outputDimension: head[0], stemChannels: stem, branchChannels: stages.map(\.branchChannels),
      bottleneckStride: bottleneckStride ?? graphStride ?? .second,
      poolsShortcuts: reader.poolsShortcuts)

    if block == .bottleneck, let bottleneckStride, let graphStride, bottleneckStride != graphStride
    {
      throw .strideMismatch(expected: bottleneckStride.rawValue, found: graphStride.rawValue)
    }
    if let architecture {
      let required = try ResNetConfig(named: architecture)
      guard hasBlocks(of: required) else {
        throw .architectureMismatch(expected: required.name, found: name)
      }
    }
    try check(checkpoint)
  }

  /// Checks that a checkpoint has exactly the tensors of this configuration, each with its shape,
  /// and no negative variance.
  ///
  /// A convolution may have a bias; if it has, it may lack its batch norm, which was then folded
  /// into it. Batch norm's `num_batches_tracked` may be absent.
  ///
  /// - Throws: `GraphError`, as `init(describing:requiring:bottleneckStride:)`.
  public func check(_ checkpoint: Checkpoint) throws(GraphError) {
    let layout = Layout(self, naming: TensorNaming(of: checkpoint))
    var known: Set<String> = []
    func require(_ name: String, _ shape: [Int]) throws(GraphError) {
      guard let tensor = checkpoint.tensors[name] else {
        throw .missingTensor(name: name, expected: shape)
      }
      guard tensor.shape == shape else {
        throw .wrongShape(name: name, expected: shape, found: tensor.shape)
      }
      known.insert(name)
    }
    for (index, convolution) in layout.convolutions.enumerated() {
      if let groups = convolution.groups(in: checkpoint) {
        throw .groupedConvolution(name: convolution.weightName, groups: groups)
      }
      try require(convolution.weightName, convolution.shape)
      let channels = [convolution.outputChannels]
      if checkpoint.tensors[convolution.biasName] != nil {
        try require(convolution.biasName, channels)
        if convolution.isFolded(in: checkpoint) { continue }
      }
      for name in convolution.normNames {
        if index >= layout.stem.count,
          checkpoint.tensors[name]?.shape == [convolution.inputChannels],
          channels != [convolution.inputChannels]
        {
          throw .preactivation(name: name)
        }
        try require(name, channels)
      }
      let variances = checkpoint.tensors[convolution.varianceName]?.values ?? []
      if let index = variances.firstIndex(where: { $0 < 0 }) {
        throw .negativeVariance(
          name: convolution.varianceName, index: index, found: variances[index])
      }
    }
    try require(layout.head + ".weight", [outputDimension, featureCount])
    try require(layout.head + ".bias", [outputDimension])

    // Some converters turn the counters into floating point as well.
    known.formUnion(layout.convolutions.map(\.counterName))
    for name in checkpoint.tensors.keys.sorted() where !known.contains(name) {
      throw .unexpectedTensor(
        name: name, found: checkpoint.tensors[name]?.shape ?? [], configuration: self.name)
    }
    for name in checkpoint.skipped where !known.contains(name) {
      throw .unexpectedIntegerTensor(name: name, configuration: self.name)
    }
  }
}

extension Layout.Convolution {
  /// Whether the checkpoint has a bias for the convolution and nothing of its batch norm.
  func isFolded(in checkpoint: Checkpoint) -> Bool {
    checkpoint.tensors[biasName] != nil && normNames.allSatisfy { checkpoint.tensors[$0] == nil }
  }

  /// The number of groups, if the weights have their shape but for fewer input channels.
  func groups(in checkpoint: Checkpoint) -> Int? {
    guard let found = checkpoint.tensors[weightName]?.shape, found.count == 4, found[1] > 0,
      found[1] < inputChannels, inputChannels.isMultiple(of: found[1]),
      [found[0], found[2], found[3]] == [outputChannels, kernelSize, kernelSize]
    else { return nil }
    return inputChannels / found[1]
  }
}
