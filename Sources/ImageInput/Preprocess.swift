// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// Does what ``preprocess(_:resizeShorterSide:crop:into:)`` with a span does, for callers in this package that
/// have a pointer to 3 · `crop` · `crop` bytes.
package func preprocess(
  _ image: borrowing RGBImage, resizeShorterSide: Int, crop: Int,
  into pixels: UnsafeMutablePointer<UInt8>
) throws(ImageError) {
  let preprocessor = try Preprocessor(
    width: image.width, height: image.height, resizeShorterSide: resizeShorterSide, crop: crop)
  preprocessor.run(image, into: pixels)
}

/// What ``preprocess(_:resizeShorterSide:crop:into:)`` does, for many images of one size.
///
/// - **Allocates:** its working memory, when it is made.
public struct Preprocessor: ~Copyable {
  private let width, height: Int
  let crop: Int
  private let across, down: CentreCrop
  private let resizer: Resizer

  /// Prepares for images of `width` × `height`, 1…16384 each; the other parameters are those of
  /// ``preprocess(_:resizeShorterSide:crop:into:)``.
  ///
  /// - Throws: `outOfMemory`.
  public init(width: Int, height: Int, resizeShorterSide: Int, crop: Int) throws(ImageError) {
    let sides = 1...RGBImage.maximumSide
    precondition(
      sides.contains(resizeShorterSide) && sides.contains(crop), "sides must be 1…16384")
    let (shorter, longer) = (min(width, height), max(width, height))
    // At most 2²⁸ divided by at least 1: exact enough to round down as torchvision does.
    let resizedLonger = Int(Double(resizeShorterSide * longer) / Double(shorter))
    let resized =
      width <= height
      ? (width: resizeShorterSide, height: resizedLonger)
      : (width: resizedLonger, height: resizeShorterSide)
    let across = CentreCrop(of: resized.width, to: crop)
    let down = CentreCrop(of: resized.height, to: crop)
    resizer = try Resizer(
      from: (width, height), to: resized, columns: across.kept, rows: down.kept)
    self.width = width
    self.height = height
    self.crop = crop
    self.across = across
    self.down = down
  }

  // Embedded Swift destroys the parts of a value of another module only through a deinit of its own.
  deinit {}

  /// Writes the preprocessed image: RGB rows without padding, 3 · `crop` · `crop` bytes.
  ///
  /// - **Allocates:** nothing.
  package func run(_ image: borrowing RGBImage, into pixels: UnsafeMutablePointer<UInt8>) {
    precondition(image.width == width && image.height == height, "an image of the size announced")
    if across.kept.count < crop || down.kept.count < crop {
      memset(pixels, 0, 3 * crop * crop)
    }
    resizer.resize(
      image, into: pixels + 3 * (down.border * crop + across.border), rowBytes: 3 * crop)
  }
}

/// A centred crop along one axis.
private struct CentreCrop {
  /// The positions of the input that remain.
  let kept: Range<Int>
  /// The number of zeros before them.
  let border: Int

  init(of size: Int, to crop: Int) {
    if size < crop {
      kept = 0..<size
      border = (crop - size) / 2
    } else {
      let start = Int((Double(size - crop) / 2).rounded(.toNearestOrEven))
      kept = start..<start + crop
      border = 0
    }
  }
}
