// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool
import ResNetImages
import ResNetPlanFormat

/// The way of a frame of known size to the network's input.
///
/// - **Allocates:** when it is made.
struct FrameInput: ~Copyable {
  private let converter: FrameConverter
  private let image: RGBImage
  private let preprocessor: Preprocessor

  init(
    _ converter: consuming FrameConverter, _ preprocessing: PreprocessingRecord
  ) throws(RunFailure) {
    let (width, height) = (converter.width, converter.height)
    do throws(ImageError) {
      let image = try RGBImage(width: width, height: height)
      let preprocessor = try Preprocessor(width: width, height: height, preprocessing)
      self.image = image
      self.preprocessor = preprocessor
      self.converter = converter
    } catch {
      // The converter has checked the sides: only memory can be missing.
      throw .tool(.outOfMemory(bytes: 3 * width * (height + preprocessing.crop)))
    }
  }

  /// Writes the network's input.
  ///
  /// - **Allocates:** nothing.
  func read(_ frame: UnsafePointer<UInt8>, into pixels: UnsafeMutablePointer<UInt8>) {
    converter.convert(frame, into: image)
    preprocessor.run(image, into: pixels)
  }
}
