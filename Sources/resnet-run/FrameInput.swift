// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool
import ResNetImages
import ResNetPlanFormat

/// The way of a frame to the network's input.
///
/// - **Allocates:** when it is made.
struct FrameInput: ~Copyable {
  private let converter: FrameConverter
  private let image: RGBImage
  private let preprocessor: Preprocessor

  init(_ converter: consuming FrameConverter, _ preprocessing: PreprocessingRecord) throws(RunError)
  {
    let (width, height) = (converter.width, converter.height)
    let image = try FrameInput.makeImage(width, height)
    let preprocessor = try FrameInput.makePreprocessor(width, height, preprocessing)
    self.image = image
    self.preprocessor = preprocessor
    self.converter = converter
  }

  /// Writes the network's input.
  ///
  /// - **Allocates:** nothing.
  func read(_ frame: UnsafePointer<UInt8>, into pixels: UnsafeMutablePointer<UInt8>) {
    converter.convert(frame, into: image)
    preprocessor.run(image, into: pixels)
  }

  // The converter has checked the sides: only memory can be missing.

  private static func makeImage(_ width: Int, _ height: Int) throws(RunError) -> RGBImage {
    do throws(ImageError) {
      return try RGBImage(width: width, height: height)
    } catch {
      throw .outOfMemory(bytes: 3 * width * height)
    }
  }

  private static func makePreprocessor(
    _ width: Int, _ height: Int, _ preprocessing: PreprocessingRecord
  ) throws(RunError) -> Preprocessor {
    do throws(ImageError) {
      return try Preprocessor(
        width: width, height: height, resizeShorterSide: preprocessing.resize,
        crop: preprocessing.crop)
    } catch {
      throw .outOfMemory(bytes: 3 * width * preprocessing.crop)
    }
  }
}
