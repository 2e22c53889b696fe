// SPDX-License-Identifier: Apache-2.0

/// How a photo becomes the network's image.
///
/// The photo, RGB with 8 bits, is made grey if the network takes one channel, resized and cut to the size `crop`, and a byte b of channel c stands for `(b / 255 - mean[c]) / std[c]`. Every byte is the one that Pillow
/// gives: ``Interpolation`` names its filters, ``Fit`` the sides.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0 | u32 | colours: 0 RGB, 1 grey: R, G and B all are Pillow's L of the photo |
/// | 4 | u32 | interpolation: 0 bilinear, 1 bicubic, 2 nearest, 3 lanczos, 4 box |
/// | 8 | u32 | resize: height, pixels; what `fit` makes of it |
/// | 12 | u32 | crop: height, pixels |
/// | 16, 20, 24 | f32 | mean of R, G, B |
/// | 28, 32, 36 | f32 | std of R, G, B |
/// | 40 | u32 | fit: 0 crop, 1 squash, 2 letterbox |
/// | 44 | u32 | centring: 0 half to even, 1 down |
/// | 48 | u32 | resize: width, pixels |
/// | 52 | u32 | crop: width, pixels |
/// | 56–63 | | 0 |
public struct PreprocessingRecord: Equatable, Sendable, PlanRecord {
  public static var byteCount: Int { 64 }

  public enum Colors: UInt32, Sendable { case rgb, grey }

  /// Pillow's filters. All but `nearest` are antialiased: they widen as the photo shrinks.
  public enum Interpolation: UInt32, Sendable { case bilinear, bicubic, nearest, lanczos, box }

  /// How a photo of other proportions becomes an image of the network's.
  public enum Fit: UInt32, Sendable {
    /// The photo becomes as large as it must to cover `resize`: one side is that of `resize`, the other one is in
    /// proportion, rounded down; the centre remains.
    case crop
    /// The sides become those of `resize`; the centre remains.
    case squash
    /// The photo becomes as large as `resize`, which is the crop, has room for: one side is its, the other one is in
    /// proportion, rounded to nearest; it is centred between black borders, as by Pillow's `ImageOps.pad`.
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
  public var resize: ImageSize
  /// The image that the network takes.
  public var crop: ImageSize
  public var mean: SIMD3<Float>
  public var std: SIMD3<Float>
  public var fit = Fit.crop
  public var centring = Centring.halfToEven

  /// The preprocessing of torchvision's ImageNet models for a resize and a crop.
  public init(
    resize: ImageSize, crop: ImageSize, mean: SIMD3<Float> = SIMD3(0.485, 0.456, 0.406),
    std: SIMD3<Float> = SIMD3(0.229, 0.224, 0.225)
  ) {
    self.resize = resize
    self.crop = crop
    self.mean = mean
    self.std = std
  }

  /// The same for squares.
  public init(resize: Int, crop: Int) {
    self.init(resize: ImageSize(resize), crop: ImageSize(crop))
  }

  package init() { self.init(resize: 0, crop: 0) }

  package mutating func code(_ codec: inout RecordCodec) {
    codec.code(&colors, at: 0)
    codec.code(&interpolation, at: 4)
    codec.u32(&resize.height, at: 8)
    codec.u32(&crop.height, at: 12)
    for channel in 0..<3 {
      codec.f32(&mean[channel], at: 16 + 4 * channel)
      codec.f32(&std[channel], at: 28 + 4 * channel)
    }
    codec.code(&fit, at: 40)
    codec.code(&centring, at: 44)
    codec.u32(&resize.width, at: 48)
    codec.u32(&crop.width, at: 52)
  }
}
