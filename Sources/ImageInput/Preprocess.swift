// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
public import ResNetPlanFormat

/// Does what ``preprocess(_:as:into:)`` with a span does, for callers in this package that have a pointer to
/// 3 bytes for each pixel of the crop.
package func preprocess(
  _ image: borrowing RGBImage, as preprocessing: PreprocessingRecord,
  into pixels: UnsafeMutablePointer<UInt8>
) throws(ImageError) {
  try Preprocessor(width: image.width, height: image.height, preprocessing)
    .run(image, into: pixels)
}

/// What ``preprocess(_:as:into:)`` does, for many images of one size.
///
/// - **Allocates:** its working memory, when it is made.
public struct Preprocessor: ~Copyable {
  private let width, height: Int
  let crop: ImageSize
  private let across, down: CentreCrop
  private let resizer: Resizer

  /// Prepares for images of `width` × `height`, 1…16384 each; resize and crop are 1…16384 too.
  ///
  /// - Throws: `outOfMemory`.
  public init(
    width: Int, height: Int, _ preprocessing: PreprocessingRecord
  ) throws(ImageError) {
    let sides = 1...RGBImage.maximumSide
    let (resize, crop) = (preprocessing.resize, preprocessing.crop)
    precondition(
      sides.contains(resize.height) && sides.contains(resize.width) && sides.contains(crop.height)
        && sides.contains(crop.width),
      "sides must be 1…16384")
    let resized = preprocessing.resizedSides(width: width, height: height)
    let across = CentreCrop(of: resized.width, to: crop.width, preprocessing)
    let down = CentreCrop(of: resized.height, to: crop.height, preprocessing)
    resizer = try Resizer(
      from: (width, height), to: resized, columns: across.kept, rows: down.kept,
      preprocessing.interpolation, isGrey: preprocessing.colors == .grey)
    self.width = width
    self.height = height
    self.crop = crop
    self.across = across
    self.down = down
  }

  // Embedded Swift destroys the parts of a value of another module only through a deinit of its own.
  deinit {}

  /// Writes the preprocessed image: RGB rows without padding, 3 bytes for each pixel of the crop.
  ///
  /// - **Allocates:** nothing.
  package func run(_ image: borrowing RGBImage, into pixels: UnsafeMutablePointer<UInt8>) {
    precondition(image.width == width && image.height == height, "an image of the size announced")
    if across.kept.count < crop.width || down.kept.count < crop.height {
      memset(pixels, 0, 3 * crop.area)
    }
    resizer.resize(
      image, into: pixels + 3 * (down.border * crop.width + across.border),
      rowBytes: 3 * crop.width)
  }
}

extension PreprocessingRecord {
  /// The sides of an image before it is cropped or bordered.
  fileprivate func resizedSides(width: Int, height: Int) -> (width: Int, height: Int) {
    // Whether the photo is taller, for its width, than the resize is.
    let isTall = width * resize.height <= height * resize.width
    switch fit {
    case .squash: return (resize.width, resize.height)
    case .crop:
      // At most 2²⁸ divided by at least 1: exact enough to round down as torchvision does.
      return isTall
        ? (resize.width, Int(Double(resize.width * height) / Double(width)))
        : (Int(Double(resize.height * width) / Double(height)), resize.height)
    case .letterbox:
      func side(_ shorter: Int, _ longer: Int, _ room: Int) -> Int {
        let side = Double(shorter) / Double(longer) * Double(room)
        return max(Int(side.rounded(.toNearestOrEven)), 1)
      }
      return isTall
        ? (side(width, height, resize.height), resize.height)
        : (resize.width, side(height, width, resize.width))
    }
  }
}

/// A centred crop along one axis.
private struct CentreCrop {
  /// The positions of the input that remain.
  let kept: Range<Int>
  /// The number of zeros before them.
  let border: Int

  init(of size: Int, to crop: Int, _ preprocessing: PreprocessingRecord) {
    let isRounded = preprocessing.centring == .halfToEven
    if size < crop {
      kept = 0..<size
      // torchvision's crop has the smaller border before the image always.
      border = CentreCrop.half(crop - size, isRounded: isRounded && preprocessing.fit == .letterbox)
    } else {
      let start = CentreCrop.half(size - crop, isRounded: isRounded)
      kept = start..<start + crop
      border = 0
    }
  }

  private static func half(_ size: Int, isRounded: Bool) -> Int {
    isRounded ? Int((Double(size) / 2).rounded(.toNearestOrEven)) : size / 2
  }
}
