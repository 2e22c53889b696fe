// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
public import ResNetModelGraph

extension ResNetConfig.BottleneckStride: ExpressibleByArgument {}
extension ResNetConfig.AntiAliasing: ExpressibleByArgument {}

/// What leaves no trace in the tensors of a state dict.
struct UntoldOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where bottlenecks have their stride: first (V1, the paper's) or 3x3 (V1.5, torchvision's); "
        + "only ONNX models tell. Hugging Face's downsample_in_bottleneck is first.",
      valueName: "first|3x3"))
  var bottleneckStride: ResNetConfig.BottleneckStride?

  @Option(
    help: ArgumentHelp(
      "By what the last stage divides the image's size, if it has dilation instead of strides: timm's output_stride; "
        + "torchvision's replace_stride_with_dilation is 16 for the last stage and 8 for the last two.",
      valueName: "8|16|32"))
  var outputStride: Int?

  @Option(
    help: ArgumentHelp(
      "What halves images behind 3×3 convolutions of stride 1 and in the stem: blur (timm's resnetblur) or average "
        + "(timm's resnetaa).",
      valueName: "blur|average"))
  var antiAliasing: ResNetConfig.AntiAliasing?

  /// Whether one of them was given.
  var isAny: Bool { bottleneckStride != nil || outputStride != nil || antiAliasing != nil }
}
