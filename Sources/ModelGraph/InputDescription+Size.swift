// SPDX-License-Identifier: Apache-2.0

extension InputDescription {
  /// The origin of a size that an ONNX graph was exported for.
  public static let fixedSizeOrigin = "the ONNX graph's input"

  /// Whether the network takes images of this size only.
  public var hasFixedSize: Bool { height != nil && origins.contains(Self.fixedSizeOrigin) }
}
