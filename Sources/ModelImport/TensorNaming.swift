// SPDX-License-Identifier: Apache-2.0

/// How a checkpoint names the tensors of a ResNet.
package enum TensorNaming {
  /// `layer1.0.conv1`, as torchvision and timm have it; timm adds the deep stem (`conv1.0`, `conv1.3`,
  /// `conv1.6`) and the pooled shortcut (`downsample.1` behind the pool).
  case torchvision
  /// `resnet.encoder.stages.0.layers.0.layer.0`, of the class ResNetForImageClassification in
  /// Hugging Face's transformers.
  case huggingFace

  /// What precedes `.weight` in the names of a convolution and of the batch norm after it.
  package typealias Prefixes = (convolution: String, norm: String)

  package init(of checkpoint: Checkpoint) {
    let isHuggingFace = checkpoint.tensors.keys.contains { $0.hasPrefix("resnet.embedder.") }
    self = isHuggingFace ? .huggingFace : .torchvision
  }

  /// The convolution `index` of a stem of `count`.
  package func stem(_ index: Int, of count: Int) -> Prefixes {
    switch self {
    case .torchvision:
      // conv1 is a sequence of convolution, norm and ReLU, but the last norm is bn1.
      if count == 1 { return ("conv1", "bn1") }
      return ("conv1.\(3 * index)", index == count - 1 ? "bn1" : "conv1.\(3 * index + 1)")
    case .huggingFace:
      return (
        "resnet.embedder.embedder.convolution", "resnet.embedder.embedder.normalization"
      )
    }
  }

  /// The convolution `index` in the branch of a block; all count from 0.
  package func branch(_ index: Int, block: Int, stage: Int) -> Prefixes {
    let prefix = self.block(block, stage: stage)
    switch self {
    case .torchvision: return ("\(prefix).conv\(index + 1)", "\(prefix).bn\(index + 1)")
    case .huggingFace:
      return ("\(prefix).layer.\(index).convolution", "\(prefix).layer.\(index).normalization")
    }
  }

  /// The convolution of a block's shortcut, whether it may have a pool before it or not.
  package func shortcut(block: Int, stage: Int, isPooled: Bool) -> Prefixes {
    let prefix = self.block(block, stage: stage)
    switch self {
    case .torchvision:
      let first = isPooled ? 1 : 0
      return ("\(prefix).downsample.\(first)", "\(prefix).downsample.\(first + 1)")
    case .huggingFace:
      return ("\(prefix).shortcut.convolution", "\(prefix).shortcut.normalization")
    }
  }

  /// The linear layer.
  package var head: String { self == .torchvision ? "fc" : "classifier.1" }

  private func block(_ block: Int, stage: Int) -> String {
    switch self {
    case .torchvision: "layer\(stage + 1).\(block)"
    case .huggingFace: "resnet.encoder.stages.\(stage).layers.\(block)"
    }
  }
}
