// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
public import ResNetPlanFormat

extension RGBImage {
  /// Decodes a JPEG or PNG image in memory and turns it upright as its EXIF orientation says.
  ///
  /// The same as reading a file, see ``init(path:)``.
  ///
  /// - Throws: `unrecognizedFormat`, `truncated`, `corrupt`, `unsupported`, `tooLarge`, `outOfMemory`.
  /// - **Allocates:** 3 bytes a pixel, and until it returns the decoder's working memory.
  public init(encoded: RawSpan) throws(ImageError) {
    self = try encoded.withUnsafeBytes { bytes throws(ImageError) in try RGBImage(encoded: bytes) }
  }

  /// Makes an image of pixels in memory.
  ///
  /// - Parameters:
  ///   - pixels: `height` rows, top first, of `width` triples red, green, blue, without padding.
  ///   - width: 1…``maximumSide``.
  ///   - height: the same; `width` × `height` is at most ``maximumPixels``.
  /// - Throws: `tooLarge`, `outOfMemory`.
  /// - **Allocates:** a copy of the pixels.
  public init(pixels: Span<UInt8>, width: Int, height: Int) throws(ImageError) {
    try self.init(width: width, height: height)
    precondition(pixels.count == self.pixels.count, "three bytes for each pixel")
    pixels.withUnsafeBufferPointer {
      _ = memcpy(self.pixels.baseAddress!, $0.baseAddress!, $0.count)
    }
  }

  /// Calls `body` with the pixels: ``height`` rows, top first, of ``width`` triples red, green, blue,
  /// without padding.
  ///
  /// - **Allocates:** nothing.
  public func withPixels<Result: ~Copyable, Failure>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeBufferPointer(pixels).span)
  }
}

/// Makes the network's image of a photo: resized and cut to its size.
///
/// Where the resized image is smaller than the crop, it is centred between black borders. Mean and std
/// are not applied here. Every byte equals Pillow's, see ``RGBImage/resized(width:height:by:)``.
///
/// - Parameters:
///   - image: the image.
///   - preprocessing: how; resize and crop are 1…16384 pixels.
///   - pixels: 3 bytes for each pixel of the crop: RGB rows without padding.
/// - Throws: `outOfMemory`.
/// - **Allocates:** working memory, freed before it returns: with s input pixels for one output pixel
///   (at least 1), about 8 · s bytes for a pixel of a side of weights for each axis and 6 · s bytes for a pixel of its width of
///   pixels; for bicubic twice as much, for lanczos three times. For grey, a row of the image.
public func preprocess(
  _ image: borrowing RGBImage, as preprocessing: PreprocessingRecord,
  into pixels: inout MutableSpan<UInt8>
) throws(ImageError) {
  try Preprocessor(width: image.width, height: image.height, preprocessing)
    .run(image, into: &pixels)
}

extension Preprocessor {
  /// Writes the preprocessed image.
  ///
  /// - Parameters:
  ///   - image: an image of the size that was announced.
  ///   - pixels: 3 bytes for each pixel of the crop: RGB rows without padding.
  /// - **Allocates:** nothing.
  public func run(_ image: borrowing RGBImage, into pixels: inout MutableSpan<UInt8>) {
    precondition(pixels.count == 3 * crop.area, "three bytes for each pixel of the crop")
    pixels.withUnsafeMutableBufferPointer { run(image, into: $0.baseAddress!) }
  }
}

extension FrameConverter {
  /// Converts a frame.
  ///
  /// - Parameters:
  ///   - frame: ``byteCount`` bytes.
  ///   - image: an image of the same width and height, which is overwritten.
  /// - **Allocates:** nothing.
  public func convert(_ frame: Span<UInt8>, into image: borrowing RGBImage) {
    precondition(frame.count == byteCount, "a whole frame")
    frame.withUnsafeBufferPointer { convert($0.baseAddress!, into: image) }
  }
}
