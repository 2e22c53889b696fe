// SPDX-License-Identifier: Apache-2.0

/// How a camera stored an image, as EXIF numbers it: the sides on which the stored first row and
/// first column lie when the image is upright.
enum Orientation: UInt16 {
  case upright = 1
  case mirrored = 2
  case upsideDown = 3
  case flipped = 4
  case transposed = 5
  case turnedLeft = 6
  case transversed = 7
  case turnedRight = 8

  /// Whether the upright image is as wide as the stored one is high.
  var swapsSides: Bool { rawValue >= 5 }
}

extension RGBImage {
  /// The upright copy of an image stored in `orientation`.
  ///
  /// - Throws: `outOfMemory`.
  /// - **Allocates:** the copy.
  borrowing func turnedUpright(from orientation: Orientation) throws(ImageError) -> RGBImage {
    let result = try RGBImage(
      width: orientation.swapsSides ? height : width,
      height: orientation.swapsSides ? width : height)
    // Pixel (x, y) of the result is stored at index first + x · across + y · down.
    let last = width * height - 1
    let first: Int
    let across: Int
    let down: Int
    switch orientation {
    case .upright: (first, across, down) = (0, 1, width)
    case .mirrored: (first, across, down) = (width - 1, -1, width)
    case .upsideDown: (first, across, down) = (last, -1, -width)
    case .flipped: (first, across, down) = (last - width + 1, 1, -width)
    case .transposed: (first, across, down) = (0, width, 1)
    case .turnedLeft: (first, across, down) = (last - width + 1, -width, 1)
    case .transversed: (first, across, down) = (last, -width, -1)
    case .turnedRight: (first, across, down) = (width - 1, width, -1)
    }
    let source = pixels.baseAddress!
    let target = result.pixels.baseAddress!
    // In square tiles, so that reading along columns uses a cache line more than once.
    let tile = 32
    for top in stride(from: 0, to: result.height, by: tile) {
      for left in stride(from: 0, to: result.width, by: tile) {
        for y in top..<min(top + tile, result.height) {
          for x in left..<min(left + tile, result.width) {
            let from = source + 3 * (first + x * across + y * down)
            let to = target + 3 * (y * result.width + x)
            to[0] = from[0]
            to[1] = from[1]
            to[2] = from[2]
          }
        }
      }
    }
    return result
  }
}
