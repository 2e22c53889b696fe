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
/// | 28, 32, 36 | f32 | standard std of R, G, B |
public struct PreprocessingRecord: Equatable {
  public static var byteCount: Int { 64 }

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

  /// Reads a record, or returns nil if a code does not exist.
  init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
    guard bytes.u32(start) == 0, bytes.u32(start + 4) == 0 else { return nil }
    self.init(
      resize: Int(bytes.u32(start + 8)), crop: Int(bytes.u32(start + 12)),
      mean: SIMD3(bytes.f32(start + 16), bytes.f32(start + 20), bytes.f32(start + 24)),
      std: SIMD3(bytes.f32(start + 28), bytes.f32(start + 32), bytes.f32(start + 36)))
  }

  /// Writes the record into `bytes`, which holds zeros.
  public func write(to bytes: UnsafeMutableRawBufferPointer, at start: Int) {
    bytes.set(UInt32(resize), at: start + 8)
    bytes.set(UInt32(crop), at: start + 12)
    for channel in 0..<3 {
      bytes.set(mean[channel], at: start + 16 + 4 * channel)
      bytes.set(std[channel], at: start + 28 + 4 * channel)
    }
  }
}
