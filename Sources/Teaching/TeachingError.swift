// SPDX-License-Identifier: Apache-2.0

public import ResNetPlatform

/// Why no head can be taught.
public enum TeachingError: Error, Equatable, TextDescribable {
  /// There are too few or too many classes.
  case classCount(Int)
  /// There are too few or too many photos.
  case photoCount(Int)
  /// A class, by its index, has fewer than two photos.
  case photosOfClass(Int, found: Int)
  /// A feature of a photo, by its index, is no number or beyond ``TeachingSize/greatestFeature``.
  case featureRange(photo: Int)
  /// All photos have the same features.
  case allEqual
  /// Rounding leaves no loss that is a number.
  case noFiniteLoss
  /// The system has no memory.
  case outOfMemory(bytes: Int)

  /// Appends what was expected and what was found.
  ///
  /// - **Allocates:** nothing.
  public func describe(to line: inout TextLine) {
    switch self {
    case .classCount(let found): line.append("expected 2 to 4096 classes, found \(found)")
    case .photoCount(let found): line.append("expected 2 to 1000000 photos, found \(found)")
    case .photosOfClass(let index, let found):
      line.append("expected at least 2 photos of class \(index), found \(found)")
    case .featureRange(let photo):
      line.append("expected features of -1e15 to 1e15, found others of photo \(photo)")
    case .allEqual:
      line.append("expected photos that differ, found the same features of all")
    case .noFiniteLoss:
      line.append("expected features whose losses are finite, found others")
    case .outOfMemory(let bytes): line.append("expected \(bytes) bytes of memory, found less")
    }
  }
}

#if !hasFeature(Embedded)
  extension TeachingError: CustomStringConvertible {}
#endif
