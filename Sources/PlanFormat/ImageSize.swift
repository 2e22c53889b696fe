// SPDX-License-Identifier: Apache-2.0

/// The height and width of an image, in pixels.
public struct ImageSize: Hashable, Sendable {
  public var height, width: Int

  public init(height: Int, width: Int) { (self.height, self.width) = (height, width) }
  /// Of a square.
  public init(_ side: Int) { self.init(height: side, width: side) }

  /// Pixels in all.
  public var area: Int { height * width }
}

extension ImageSize: ExpressibleByIntegerLiteral {
  /// A square.
  public init(integerLiteral side: Int) { self.init(side) }
}

#if !hasFeature(Embedded)
  extension ImageSize: CustomStringConvertible {
    /// Such as `480×640`, height before width.
    public var description: String { "\(height)×\(width)" }
  }
#endif
