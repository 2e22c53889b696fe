// SPDX-License-Identifier: Apache-2.0

/// How a photo becomes the network's image: torchvision's classification preset.
///
/// The photo, RGB with 8 bits, is resized with an antialiased bilinear filter so that its shorter
/// side is `resize` pixels, its centre of `crop` × `crop` pixels is cut out, and a byte b
/// of channel c stands for `(b / 255 - mean[c]) / std[c]`.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0 | u32 | colour order: 0 RGB |
/// | 4 | u32 | interpolation: 0 bilinear, antialiased, as Pillow's BILINEAR |
/// | 8 | u32 | resize: shorter side, pixels |
/// | 12 | u32 | crop: height and width, pixels |
/// | 16, 20, 24 | f32 | mean of R, G, B |
/// | 28, 32, 36 | f32 | std of R, G, B |
/// | 40–63 | | 0 |
public struct PreprocessingRecord: Equatable, PlanRecord {
  public static var byteCount: Int { 64 }

  private enum ColorOrder: UInt32 { case rgb = 0 }
  private enum Interpolation: UInt32 { case bilinear = 0 }

  private var colors = ColorOrder.rgb
  private var interpolation = Interpolation.bilinear
  public var resize: Int
  public var crop: Int
  public var mean: SIMD3<Float>
  public var std: SIMD3<Float>

  /// The preprocessing of torchvision's ImageNet models for a resize and a crop.
  public init(
    resize: Int, crop: Int, mean: SIMD3<Float> = SIMD3(0.485, 0.456, 0.406),
    std: SIMD3<Float> = SIMD3(0.229, 0.224, 0.225)
  ) {
    self.resize = resize
    self.crop = crop
    self.mean = mean
    self.std = std
  }

  package init() { self.init(resize: 0, crop: 0) }

  package mutating func code(_ codec: inout RecordCodec) {
    codec.code(&colors, at: 0)
    codec.code(&interpolation, at: 4)
    codec.u32(&resize, at: 8)
    codec.u32(&crop, at: 12)
    for channel in 0..<3 {
      codec.f32(&mean[channel], at: 16 + 4 * channel)
      codec.f32(&std[channel], at: 28 + 4 * channel)
    }
  }
}
