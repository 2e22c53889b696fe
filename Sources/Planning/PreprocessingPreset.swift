// SPDX-License-Identifier: Apache-2.0

public import ResNetModelGraph
import ResNetPlanFormat

/// A way to prepare photos that many networks were trained or published with.
///
/// - Source: torchvision's `ImageClassification` transforms of IMAGENET1K_V1 and V2; timm's `data/constants.py` and
///   the configurations of its own ResNets; Keras' `applications/imagenet_utils.py`, which calls one of its modes
///   caffe; `preprocessor_config.json` of Hugging Face's microsoft/resnet-50; CLIP's `_transform`.
public enum PreprocessingPreset: String, CaseIterable, Sendable {
  case torchvision
  case torchvisionV2 = "torchvision-v2"
  case timm
  case huggingFace = "huggingface"
  case clip, caffe, keras, half, unit, bytes

  /// What the preset says; everything but sizes.
  public var input: InputDescription {
    var input = InputDescription()
    input.channelOrder = .rgb
    input.mean = SIMD3(0.485, 0.456, 0.406)
    input.std = SIMD3(0.229, 0.224, 0.225)
    input.interpolation = .bilinear
    input.fit = .crop
    input.cropFraction = 0.875
    input.centring = .even
    switch self {
    case .torchvision: break
    case .torchvisionV2: input.cropFraction = 224.0 / 232
    case .timm: (input.interpolation, input.cropFraction) = (.bicubic, 0.95)
    case .huggingFace: (input.interpolation, input.centring) = (.bicubic, .down)
    case .clip:
      input.mean = SIMD3(0.48145466, 0.4578275, 0.40821073)
      input.std = SIMD3(0.26862954, 0.26130258, 0.27577711)
      (input.interpolation, input.cropFraction) = (.bicubic, 1)
    case .caffe, .keras:
      input.channelOrder = .bgr
      input.mean = SIMD3(103.939, 116.779, 123.68) / 255
      input.std = SIMD3(repeating: 1 / 255)
      guard self == .keras else { break }
      (input.interpolation, input.fit, input.cropFraction) = (.nearest, .squash, 1)
    case .half: (input.mean, input.std) = (SIMD3(repeating: 0.5), SIMD3(repeating: 0.5))
    case .unit: (input.mean, input.std) = (.zero, .one)
    case .bytes: (input.mean, input.std) = (.zero, SIMD3(repeating: 1 / 255))
    }
    return input
  }

  /// Whether the side before the crop is rounded to nearest; timm, Hugging Face and CLIP round it down.
  var roundsResize: Bool { ![.timm, .huggingFace, .clip].contains(self) }
}
