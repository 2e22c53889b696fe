// SPDX-License-Identifier: Apache-2.0

/// How a photo becomes the network's image.
///
/// The photo, RGB with 8 bits, is made grey if the network takes one channel, resized and cut to `crop` × `crop`
/// pixels, and a byte b of channel c stands for `(b / 255 - mean[c]) / std[c]`. Every byte is the one that Pillow
/// gives: ``Interpolation`` names its filters, ``Fit`` the sides.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0 | u32 | colours: 0 RGB, 1 grey: R, G and B all are Pillow's L of the photo |
/// | 4 | u32 | interpolation: 0 bilinear, 1 bicubic, 2 nearest, 3 lanczos, 4 box |
/// | 8 | u32 | resize: pixels of the side that `fit` names |
/// | 12 | u32 | crop: height and width, pixels |
/// | 16, 20, 24 | f32 | mean of R, G, B |
/// | 28, 32, 36 | f32 | std of R, G, B |
/// | 40 | u32 | fit: 0 crop, 1 squash, 2 letterbox |
/// | 44 | u32 | centring: 0 half to even, 1 down |
/// | 48–63 | | 0 |
public struct PreprocessingRecord: Equatable, Sendable, PlanRecord {
  public static var byteCount: Int { 64 }

  public enum Colors: UInt32, Sendable { case rgb, grey }

  /// Pillow's filters. All but `nearest` are antialiased: they widen as the photo shrinks.
  public enum Interpolation: UInt32, Sendable { case bilinear, bicubic, nearest, lanczos, box }

  /// How a photo that is not square becomes square.
  public enum Fit: UInt32, Sendable {
    /// The shorter side becomes `resize` pixels, the longer one in proportion, rounded down; the centre remains.
    case crop
    /// Both sides become `resize` pixels; the centre remains.
    case squash
    /// The longer side becomes `resize` pixels, which is the crop, the shorter one in proportion, rounded to
    /// nearest; the photo is centred between black borders, as by Pillow's `ImageOps.pad`.
    case letterbox
  }

  /// What half an odd number of pixels beside the centre is rounded to.
  public enum Centring: UInt32, Sendable {
    /// As torchvision and timm do.
    case halfToEven
    /// As Hugging Face's image processors do.
    case down
  }

  public var colors = Colors.rgb
  public var interpolation = Interpolation.bilinear
  public var resize: Int
  public var crop: Int
  public var mean: SIMD3<Float>
  public var std: SIMD3<Float>
  public var fit = Fit.crop
  public var centring = Centring.halfToEven

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
    codec.code(&fit, at: 40)
    codec.code(&centring, at: 44)
  }
}
