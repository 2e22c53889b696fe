// SPDX-License-Identifier: Apache-2.0

package import ResNetPlanFormat

/// The way of a frame of known size to the network's input.
///
/// - **Allocates:** when it is made: an image, and what resizing needs.
public struct FrameInput: ~Copyable {
  private let converter: FrameConverter
  private let image: RGBImage
  private let preprocessor: Preprocessor

  package init(
    _ converter: consuming FrameConverter, _ preprocessing: PreprocessingRecord
  ) throws(ImageError) {
    let (width, height) = (converter.width, converter.height)
    let image = try RGBImage(width: width, height: height)
    let preprocessor = try Preprocessor(width: width, height: height, preprocessing)
    self.image = image
    self.preprocessor = preprocessor
    self.converter = converter
  }

  // Embedded Swift destroys the parts of a value of another module only through a deinit of its own.
  deinit {}

  /// The bytes of a frame, padding included.
  package var byteCount: Int { converter.byteCount }

  /// The last frame as an image, before it was resized.
  ///
  /// - **Allocates:** nothing.
  package func withImage<Result: ~Copyable, Failure>(
    _ body: (borrowing RGBImage) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(image) }

  /// Writes the network's input.
  ///
  /// - **Allocates:** nothing.
  package func read(
    _ frame: UnsafePointer<UInt8>, into pixels: UnsafeMutablePointer<UInt8>
  ) {
    converter.convert(frame, into: image)
    preprocessor.run(image, into: pixels)
  }
}
