// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// What Pad and Slice nodes make of an image: pixels added at its edges, of which every `stride`th remains, and
/// channels of zeros. The layer behind takes it up, or it becomes a layer itself.
struct ONNXView {
  enum Padding { case zeros, reflected }

  /// The image, a value of the network.
  var value: String
  /// The last of the nodes.
  var node: Int
  var padding = Network.Padding(0)
  var kind = Padding.zeros
  var stride = Network.Extent(1)
  var channelsBefore = 0
  var channelsBehind = 0

  var isPadded: Bool { padding != Network.Padding(0) }

  /// Whether nothing but pixels of 0 was added.
  var isPaddingOnly: Bool {
    kind == .zeros && stride == Network.Extent(1) && channelsBefore == 0 && channelsBehind == 0
  }
}

extension Network.Padding {
  /// As much as both together.
  static func + (first: Self, second: Self) -> Self {
    Self(
      top: first.top + second.top, left: first.left + second.left,
      bottom: first.bottom + second.bottom, right: first.right + second.right)
  }

  var greatest: Int { max(top, left, bottom, right) }
}
