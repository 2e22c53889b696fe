// SPDX-License-Identifier: Apache-2.0

import ResNetPlanning

/// A float32 activation tensor: NHWC, channels in blocks of 16 (3 in the image), surrounded by a
/// border of zeros.
final class FloatTensor {
  let height, width, channels, usedChannels, border: Int
  private let storage: FloatBuffer

  /// Elements of the tensor with its border.
  private var count: Int { (height + 2 * border) * rowPitch }

  /// - Parameter storage: memory to share with tensors that are not live at the same time, large enough;
  ///   see ``clear()``.
  init(
    height: Int, width: Int, channels: Int, usedChannels: Int, border: Int,
    storage: FloatBuffer? = nil
  ) {
    self.height = height
    self.width = width
    self.channels = channels
    self.usedChannels = usedChannels
    self.border = border
    let count = (height + 2 * border) * (width + 2 * border) * channels
    self.storage = storage ?? FloatBuffer(count: count)
    precondition(self.storage.count >= count)
  }

  /// Elements from one row to the next.
  var rowPitch: Int { (width + 2 * border) * channels }

  /// Makes the border zero again, and all else, after other tensors had the memory.
  func clear() { storage.start.update(repeating: 0, count: count) }

  /// The first of a number of border pixels before pixel (0, 0), or that pixel itself.
  func pixel(outside pixels: Int = 0) -> UnsafeMutablePointer<Float> {
    storage.start + (border - pixels) * (rowPitch + channels)
  }
}
