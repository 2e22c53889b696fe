// SPDX-License-Identifier: Apache-2.0

import ResNetPlatform

/// Why a network cannot be quantized, or not as well as it should be.
public enum QuantizationError: Error, Equatable, CustomStringConvertible {
  /// A tensor has a value that is not a number, or beyond the greatest float32, for some image.
  case notFinite(tensor: String)
  /// There is no folder at a path.
  case folder(path: String)
  /// A folder has no photos; with what it has of other image formats.
  case noPhotos(folder: String, otherFormats: String?)
  /// More photos of a folder than allowed cannot be read; with one of them and the reason.
  case unreadable(folder: String, allowedPercent: Double, found: Int, count: Int, example: String)
  /// A photo cannot be read.
  case photo(path: String, reason: String)
  /// The system gives no descriptor or no memory to read a photo, which may be as good as any.
  case system(path: String, reason: String)
  /// A file with the names of classes, one a line, cannot be read.
  case classNames(path: String, reason: String)
  /// Sub-folders do not stand for the classes.
  case classFolders(folder: String, reason: String)
  /// Logits to compare with do not fit the photos or the network.
  case logits(expected: String, found: String)
  /// An image has a label that is no class of the network.
  case label(image: Int, classCount: Int, found: Int)
  /// No choice of layers out of int8 brings the drop of top-1 to the limit; both in percentage points.
  case drop(limit: Double, int8: Double)
  /// A plan and its session take more bytes than there are.
  case memory(expected: Int, found: Int)
  /// A file cannot be written.
  case output(reason: String)

  public var description: String {
    switch self {
    case .notFinite(let tensor):
      "\(tensor): expected finite activations in float32, found infinity or not a number"
    case .folder(let path): "\(path): expected a folder with photos"
    case .noPhotos(let folder, let others):
      "\(folder): expected JPEG or PNG photos, found \(others ?? "none")"
    case .unreadable(let folder, let allowed, let found, let count, let example):
      "\(folder): expected at most \(String(printf: "%.8g", allowed)) % of the photos to be unreadable, found "
        + "\(found) of \(count), for example \(example)"
    case .photo(let path, let reason), .system(let path, let reason): "\(path): \(reason)"
    case .classNames(let path, let reason): "\(path): cannot read class names: \(reason)"
    case .classFolders(let folder, let reason): "\(folder): \(reason)"
    case .logits(let expected, let found): "expected \(expected), found \(found)"
    case .label(let image, let classCount, let found):
      "image \(image): expected a class below \(classCount), found \(found)"
    case .drop(let limit, let int8):
      String(
        printf:
          "int8 costs %.2f points of top-1, and no choice of layers out of int8 brings it to %.2f",
        int8, limit)
    case .memory(let expected, let found):
      "expected memory of at least \(expected) bytes for plan and session, found \(found)"
    case .output(let reason): reason
    }
  }
}

/// The words for an error of a board module, which has a line, or of another.
func words(for error: any Error) -> String {
  (error as? any TextDescribable)?.description ?? "\(error)"
}
