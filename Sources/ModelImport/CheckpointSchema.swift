// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph

/// How a state dictionary names the tensors of a ResNet.
package struct CheckpointSchema: Hashable {
  /// Names behind the prefix.
  package enum Family: Hashable, CaseIterable {
    /// `layer1.0.conv1`, as torchvision and timm have it; timm adds the deep stem (`conv1.0`, `conv1.3`,
    /// `conv1.6`), a convolution as max pool (`maxpool.0`) and the pooled shortcut (`downsample.1` behind the
    /// pool). Networks for CIFAR have the same.
    case torchvision
    /// The same with a PReLU in each block, as insightface's networks have it; what follows the stages is `bn2`, `fc`
    /// and `features`.
    case faces
    /// Torchvision's with the stem in a sequence `layer0`.
    case layers
    /// The same with names in `layer0`, as the first SE-ResNets have it (Cadene's, timm's `legacy_seresnet50`).
    case modules
    /// Torchvision's in a sequence of its modules: `0` and `1` are the stem, `4` to `7` the stages.
    case children
    /// `encoder.stages.0.layers.0.layer.0`, of the class ResNetForImageClassification in
    /// Hugging Face's transformers.
    case huggingFace
    /// `stages.0.blocks.0.conv1`, of timm's ResNetV2.
    case stages

    fileprivate func block(_ block: Int, stage: Int) -> String {
      switch self {
      case .torchvision, .faces, .layers, .modules: "layer\(stage + 1).\(block)"
      case .children: "\(stage + 4).\(block)"
      case .huggingFace: "encoder.stages.\(stage).layers.\(block)"
      case .stages: "stages.\(stage).blocks.\(block)"
      }
    }

    /// The first block's first convolution, by which the family is known.
    fileprivate var anchor: String {
      block(0, stage: 0) + (self == .huggingFace ? ".layer.0.convolution" : ".conv1")
    }

    /// The modules of stem and stages, and those behind them whose names are the network's own.
    private var modules: Set<Substring> {
      let layers: Set<Substring> = ["layer1", "layer2", "layer3", "layer4"]
      return switch self {
      case .torchvision: layers.union(["conv1", "bn1", "maxpool", "bn"])
      case .faces: layers.union(["conv1", "bn1", "prelu", "bn2", "fc", "features"])
      case .layers, .modules: layers.union(["layer0"])
      case .children: ["0", "1", "4", "5", "6", "7"]
      case .huggingFace: ["embedder", "encoder"]
      case .stages: ["stem", "stages", "norm"]
      }
    }

    /// Whether a tensor of this name behind the prefix is in one of these.
    fileprivate func holds(_ name: Substring) -> Bool {
      modules.contains(name.prefix { $0 != "." })
    }
  }

  package var family = Family.torchvision
  /// What precedes all names, such as `module.`.
  package var prefix = ""
  /// What precedes `.weight` in the name of the linear layer, with the prefix; nil if there is none.
  package var head: String? = "fc"
  /// What shortcuts are called in their blocks.
  private var shortcut = "downsample"
  /// What gates are called in their blocks.
  private var gate = "se"

  /// Torchvision's names.
  package static let torchvision = CheckpointSchema()

  /// The ResNets that the tensors of a dictionary are named after, in the order of their prefixes.
  static func all(in names: [String: StoredTensor]) throws(ImportError) -> [CheckpointSchema] {
    var found: [CheckpointSchema] = []
    for name in names.keys {
      for family in Family.allCases where name.hasSuffix(family.anchor + ".weight") {
        var schema = CheckpointSchema(
          family: family, prefix: String(name.dropLast(family.anchor.count + ".weight".count)))
        let hasStem = [1, 3].contains { names[schema.weight(.stem(0), stemCount: $0)] != nil }
        let isWhole = schema.prefix.isEmpty || schema.prefix.hasSuffix(".")
        let hasSlopes = names[schema.weight(.branchSlopes(block: 0, stage: 0))] != nil
        // A ResNet with torchvision's names but no stem is one of which the stem is missed by name.
        guard isWhole, hasStem || family == .torchvision,
          family == .faces ? hasSlopes : !(family == .torchvision && hasSlopes)
        else { continue }
        schema.nameParts(in: names)
        found.append(schema)
      }
    }
    try checkLimit(found.count, ImportLimits.networks, "networks in a file")
    let layered = Set(
      found.filter { [.layers, .modules].contains($0.family) }.map(\.prefix))
    return found.filter { schema in
      schema.family != .torchvision || names[schema.prefix + "conv1.weight"] != nil
        || !layered.contains(schema.prefix)
    }
    .sorted { ($0.prefix, "\($0.family)") < ($1.prefix, "\($1.family)") }
  }

  /// Finds out what parts of blocks are called.
  private mutating func nameParts(in names: [String: StoredTensor]) {
    let blocks = (0..<4).map { prefix + family.block(0, stage: $0) }
    if blocks.contains(where: { names["\($0).shortcut.0.weight"] != nil }) {
      shortcut = "shortcut"
    }
    if names["\(blocks[0]).se_module.fc1.weight"] != nil { gate = "se_module" }
  }

  /// Whether a tensor is in the stem, in a stage, or in what follows by its own name.
  func holds(_ name: String) -> Bool {
    name.hasPrefix(prefix) && family.holds(name.dropFirst(prefix.count))
  }

  /// The weights of a part.
  package func weight(
    _ place: ResNetConfig.Place, stemCount: Int = 1, isPooled: Bool = false
  ) -> String {
    name(of: place, stemCount: stemCount, isPooled: isPooled) + ".weight"
  }

  /// What precedes `.weight` in the name of a part's tensor.
  ///
  /// - Parameters:
  ///   - stemCount: the convolutions of the stem.
  ///   - isPooled: whether shortcuts may have a pool before their convolution.
  package func name(of place: ResNetConfig.Place, stemCount: Int, isPooled: Bool) -> String {
    func inBlock(_ block: Int, _ stage: Int, _ part: String) -> String {
      "\(family.block(block, stage: stage)).\(part)"
    }
    let isHuggingFace = family == .huggingFace
    let norm = family == .stages ? "norm" : "bn"
    let name: String
    switch place {
    case .stem(let index): name = stemName(index, of: stemCount)
    case .stemNorm(let index): name = stemNormName(index, of: stemCount)
    case .stemSlopes: name = "prelu"
    case .stemPool: name = "maxpool.0"
    case .stemPoolNorm: name = "maxpool.1"
    case .branch(let index, let block, let stage):
      name = inBlock(
        block, stage, isHuggingFace ? "layer.\(index).convolution" : "conv\(index + 1)")
    case .branchNorm(let index, let block, let stage):
      name = inBlock(
        block, stage, isHuggingFace ? "layer.\(index).normalization" : "\(norm)\(index + 1)")
    case .branchSlopes(let block, let stage): name = inBlock(block, stage, "prelu")
    case .gate(let index, let block, let stage):
      name = inBlock(block, stage, "\(gate).fc\(index + 1)")
    case .shortcut(let block, let stage):
      let part = isHuggingFace ? "convolution" : family == .stages ? "conv" : isPooled ? "1" : "0"
      name = inBlock(block, stage, "\(isHuggingFace ? "shortcut" : shortcut).\(part)")
    case .shortcutNorm(let block, let stage):
      let part = isHuggingFace ? "normalization" : family == .stages ? "norm" : isPooled ? "2" : "1"
      name = inBlock(block, stage, "\(isHuggingFace ? "shortcut" : shortcut).\(part)")
    case .lastNorm: name = family == .stages ? "norm" : family == .faces ? "bn2" : "bn"
    case .linear: return head ?? prefix + "fc"
    case .embeddingNorm: name = "features"
    }
    return prefix + name
  }

  private func stemName(_ index: Int, of count: Int) -> String {
    let isOne = count == 1
    switch family {
    case .torchvision, .faces: return isOne ? "conv1" : "conv1.\(3 * index)"
    case .layers: return isOne ? "layer0.0" : "layer0.0.\(3 * index)"
    case .modules: return isOne ? "layer0.conv1" : "layer0.conv1.\(3 * index)"
    case .children: return isOne ? "0" : "0.\(3 * index)"
    case .huggingFace:
      return "embedder.embedder.convolution" + (isOne ? "" : ".\(3 * index)")
    case .stages: return isOne ? "stem.conv" : "stem.conv\(index + 1)"
    }
  }

  private func stemNormName(_ index: Int, of count: Int) -> String {
    if family == .stages { return count == 1 ? "stem.norm" : "stem.norm\(index + 1)" }
    // The convolution is a sequence of convolution, norm and ReLU, but the last norm is the stem's.
    guard index == count - 1 else {
      return "\(stemName(0, of: 1)).\(3 * index + 1)"
    }
    switch family {
    case .torchvision, .faces, .stages: return "bn1"
    case .layers: return "layer0.1"
    case .modules: return "layer0.bn1"
    case .children: return "1"
    case .huggingFace: return "embedder.embedder.normalization"
    }
  }
}
