// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph

/// How a state dictionary names the tensors of a ResNet.
package struct CheckpointSchema: Hashable {
  /// Names behind the prefix.
  package enum Family: Hashable, CaseIterable {
    /// `layer1.0.conv1`, as torchvision and timm have it; timm adds the deep stem (`conv1.0`, `conv1.3`,
    /// `conv1.6`) and the pooled shortcut (`downsample.1` behind the pool).
    case torchvision
    /// The same with the stem in a sequence `layer0`.
    case layers
    /// The same in a sequence of torchvision's modules: `0` and `1` are the stem, `4` to `7` the stages.
    case children
    /// `encoder.stages.0.layers.0.layer.0`, of the class ResNetForImageClassification in
    /// Hugging Face's transformers.
    case huggingFace

    /// What precedes `.weight` in the names of the stem's convolution and of its batch norm.
    fileprivate var stem: Prefixes {
      switch self {
      case .torchvision: ("conv1", "bn1")
      case .layers: ("layer0.0", "layer0.1")
      case .children: ("0", "1")
      case .huggingFace:
        ("embedder.embedder.convolution", "embedder.embedder.normalization")
      }
    }

    fileprivate func block(_ block: Int, stage: Int) -> String {
      switch self {
      case .torchvision, .layers: "layer\(stage + 1).\(block)"
      case .children: "\(stage + 4).\(block)"
      case .huggingFace: "encoder.stages.\(stage).layers.\(block)"
      }
    }

    /// The first block's first convolution, by which the family is known.
    fileprivate var anchor: String {
      block(0, stage: 0) + (self == .huggingFace ? ".layer.0.convolution" : ".conv1")
    }

    /// Whether a tensor of this name behind the prefix is in the stem or in a stage.
    fileprivate func holds(_ name: Substring) -> Bool {
      let part = name.prefix { $0 != "." }
      return switch self {
      case .torchvision: ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4"].contains(part)
      case .layers: ["layer0", "layer1", "layer2", "layer3", "layer4"].contains(part)
      case .children: ["0", "1", "4", "5", "6", "7"].contains(part)
      case .huggingFace: ["embedder", "encoder"].contains(part)
      }
    }
  }

  /// What precedes `.weight` in the names of a convolution and of the batch norm after it.
  package typealias Prefixes = (convolution: String, norm: String)

  package var family = Family.torchvision
  /// What precedes all names, such as `module.`.
  package var prefix = ""
  /// What precedes `.weight` in the name of the linear layer, with the prefix.
  package var head = "fc"

  /// Torchvision's names.
  package static let torchvision = CheckpointSchema()

  /// The ResNets that the tensors of a dictionary are named after, in the order of their prefixes.
  static func all(in names: [String: StoredTensor]) throws(ImportError) -> [CheckpointSchema] {
    var found: [CheckpointSchema] = []
    for name in names.keys {
      for family in Family.allCases where name.hasSuffix(family.anchor + ".weight") {
        let schema = CheckpointSchema(
          family: family, prefix: String(name.dropLast(family.anchor.count + ".weight".count)))
        let stem = schema.prefix + family.stem.convolution
        let hasStem = names[stem + ".weight"] != nil || names[stem + ".0.weight"] != nil
        let isWhole = schema.prefix.isEmpty || schema.prefix.hasSuffix(".")
        // A ResNet with torchvision's names but no stem is one of which the stem is missed by name.
        if isWhole, hasStem || family == .torchvision { found.append(schema) }
      }
    }
    try checkLimit(found.count, ImportLimits.networks, "networks in a file")
    let layered = Set(found.filter { $0.family == .layers }.map(\.prefix))
    return found.filter { schema in
      schema.family != .torchvision || names[schema.prefix + "conv1.weight"] != nil
        || !layered.contains(schema.prefix)
    }
    .sorted { ($0.prefix, "\($0.family)") < ($1.prefix, "\($1.family)") }
  }

  /// Whether a tensor is in the stem or in a stage.
  func holds(_ name: String) -> Bool {
    name.hasPrefix(prefix) && family.holds(name.dropFirst(prefix.count))
  }

  /// The tensors of a slot.
  ///
  /// - Parameters:
  ///   - stemCount: the convolutions of the stem.
  ///   - isPooled: whether shortcuts may have a pool before their convolution.
  package func prefixes(of place: ResNetConfig.Slot.Place, stemCount: Int, isPooled: Bool)
    -> Prefixes
  {
    switch place {
    case .stem(let index):
      let stem = family.stem
      if stemCount == 1 { return (prefix + stem.convolution, prefix + stem.norm) }
      // The convolution is a sequence of convolution, norm and ReLU, but the last norm is the stem's.
      let norm = index == stemCount - 1 ? stem.norm : "\(stem.convolution).\(3 * index + 1)"
      return ("\(prefix)\(stem.convolution).\(3 * index)", prefix + norm)
    case .branch(let index, let block, let stage):
      let block = prefix + family.block(block, stage: stage)
      return family == .huggingFace
        ? ("\(block).layer.\(index).convolution", "\(block).layer.\(index).normalization")
        : ("\(block).conv\(index + 1)", "\(block).bn\(index + 1)")
    case .shortcut(let block, let stage):
      let block = prefix + family.block(block, stage: stage)
      if family == .huggingFace {
        return ("\(block).shortcut.convolution", "\(block).shortcut.normalization")
      }
      return isPooled
        ? ("\(block).downsample.1", "\(block).downsample.2")
        : ("\(block).downsample.0", "\(block).downsample.1")
    }
  }
}
