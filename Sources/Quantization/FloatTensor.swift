// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// A float32 activation tensor: NHWC, channels in blocks of 16 (3 in the image), surrounded by a
/// border of zeros.
struct FloatTensor {
  let height, width, channels, usedChannels, border: Int
  /// Its memory, which tensors share that are not live at the same time; see ``clear()``.
  var start: UnsafeMutablePointer<Float>!

  init(_ shape: Program.Tensor, channels: Int) {
    (height, width) = (shape.height, shape.width)
    (self.channels, usedChannels) = (channels, shape.channels)
    border = shape.border
  }

  /// Elements of the tensor with its border.
  var count: Int { (height + 2 * border) * rowPitch }

  /// Elements from one row to the next.
  var rowPitch: Int { (width + 2 * border) * channels }

  /// Makes the border zero again, and all else, after other tensors had the memory.
  func clear() { start.update(repeating: 0, count: count) }

  /// The pixel so many rows above and columns to the left of pixel (0, 0), within the border.
  func pixel(above: Int, left: Int) -> UnsafeMutablePointer<Float> {
    start + (border - above) * rowPitch + (border - left) * channels
  }

  /// The first of a number of border pixels before pixel (0, 0), or that pixel itself.
  func pixel(outside pixels: Int = 0) -> UnsafeMutablePointer<Float> {
    start + (border - pixels) * (rowPitch + channels)
  }
}
