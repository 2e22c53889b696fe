// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph

/// How the state dictionaries of a family name their tensors.
package enum CheckpointSchema {
  /// `layer1.0.conv1`, as torchvision and timm have it; timm adds the deep stem (`conv1.0`, `conv1.3`,
  /// `conv1.6`) and the pooled shortcut (`downsample.1` behind the pool).
  case torchvision
  /// `resnet.encoder.stages.0.layers.0.layer.0`, of the class ResNetForImageClassification in
  /// Hugging Face's transformers.
  case huggingFace

  /// What precedes `.weight` in the names of a convolution and of the batch norm after it.
  package typealias Prefixes = (convolution: String, norm: String)

  /// The schema of which a checkpoint has a stem; nil if it has none.
  init?(of checkpoint: Checkpoint) {
    let names = checkpoint.tensors.keys
    if names.contains(where: { $0.hasPrefix("resnet.embedder.") }) {
      self = .huggingFace
    } else if names.contains("conv1.weight") || names.contains("conv1.0.weight") {
      self = .torchvision
    } else {
      return nil
    }
  }

  /// The tensors of a slot.
  ///
  /// - Parameters:
  ///   - stemCount: the convolutions of the stem.
  ///   - isPooled: whether shortcuts may have a pool before their convolution.
  package func prefixes(of place: ResNetConfig.Slot.Place, stemCount: Int, isPooled: Bool)
    -> Prefixes
  {
    switch (self, place) {
    case (.torchvision, .stem(let index)):
      // conv1 is a sequence of convolution, norm and ReLU, but the last norm is bn1.
      if stemCount == 1 { return ("conv1", "bn1") }
      return ("conv1.\(3 * index)", index == stemCount - 1 ? "bn1" : "conv1.\(3 * index + 1)")
    case (.torchvision, .branch(let index, let block, let stage)):
      let prefix = "layer\(stage + 1).\(block)"
      return ("\(prefix).conv\(index + 1)", "\(prefix).bn\(index + 1)")
    case (.torchvision, .shortcut(let block, let stage)):
      let prefix = "layer\(stage + 1).\(block).downsample"
      return isPooled ? ("\(prefix).1", "\(prefix).2") : ("\(prefix).0", "\(prefix).1")
    case (.huggingFace, .stem): return huggingFace("embedder.embedder")
    case (.huggingFace, .branch(let index, let block, let stage)):
      return huggingFace("encoder.stages.\(stage).layers.\(block).layer.\(index)")
    case (.huggingFace, .shortcut(let block, let stage)):
      return huggingFace("encoder.stages.\(stage).layers.\(block).shortcut")
    }
  }

  private func huggingFace(_ part: String) -> Prefixes {
    ("resnet.\(part).convolution", "resnet.\(part).normalization")
  }

  /// The linear layer.
  package var head: String { self == .torchvision ? "fc" : "classifier.1" }
}
