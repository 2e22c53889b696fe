// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetImages
public import ResNetPlanFormat
import ResNetPlatform

/// The photos of a folder and its sub-folders, in an order that only their contents decide.
public struct ImageFolder: ImageSource {
  public let count: Int
  /// The number of photos and a SHA-256 of their contents.
  public let description: String
  /// The photos left out and why, sorted: a line each.
  public let unreadable: [String]
  private let paths: [String]

  /// Finds the JPEG and PNG photos of a folder and decodes each to see that it is one.
  ///
  /// - Parameters:
  ///   - folder: its path.
  ///   - allowedUnreadable: per cent of the photos that may be left out because they cannot be read.
  /// - Throws: a ``QuantizationError`` if more cannot be read, or if there is no photo.
  /// - **Allocates:** one decoded photo for each CPU at a time.
  public init(_ folder: String, allowedUnreadable: Double = 5) throws {
    guard isFolder(folder) else { throw QuantizationError.folder(path: folder) }
    let found = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    let files = found.filter { isImageName($0) }.map {
      (folder as NSString).appendingPathComponent($0)
    }
    guard !files.isEmpty else { throw QuantizationError.noPhotos(folder: folder) }
    let checks = try mapImages(
      count: files.count, threads: ProcessInfo.processInfo.activeProcessorCount,
      progress: { _ in }, makeWorker: {},
      value: { _, index in
        Result { () throws(QuantizationError) in try digest(ofPhoto: files[index]) }
      })
    var failures: [String] = []
    var digests: [(digest: String, path: String)] = []
    for (file, check) in zip(files, checks) {
      switch check {
      case .success(let digest): digests.append((digest, file))
      case .failure(let error): failures.append("\(error)")
      }
    }
    unreadable = failures.sorted()
    let isTooMany = Double(unreadable.count) * 100 > allowedUnreadable * Double(files.count)
    if isTooMany || digests.isEmpty {
      throw QuantizationError.unreadable(
        folder: folder, allowedPercent: allowedUnreadable, found: unreadable.count,
        count: files.count, example: unreadable[0])
    }
    digests.sort { $0 < $1 }
    paths = digests.map(\.path)
    count = paths.count
    let all = sha256Hex(Array(digests.map(\.digest).joined(separator: "\n").utf8))
    description = "\(count) images, sha256 \(all)"
  }

  public func pixels(_ index: Int, _ preprocessing: PreprocessingRecord) throws -> [UInt8] {
    try photoPixels(paths[index], preprocessing)
  }
}

/// The pixels of a photo as a network sees them.
func photoPixels(_ path: String, _ preprocessing: PreprocessingRecord) throws -> [UInt8] {
  var failure: String?
  let crop = preprocessing.crop
  let pixels = [UInt8](unsafeUninitializedCapacity: crop * crop * 3) { pixels, count in
    do throws(ImageError) {
      let photo = try RGBImage(path: path)
      try preprocess(photo, as: preprocessing, into: pixels.baseAddress!)
      count = crop * crop * 3
    } catch {
      failure = error.description
    }
  }
  if let failure { throw QuantizationError.photo(path: path, reason: failure) }
  return pixels
}

/// Whether a path names a folder.
func isFolder(_ path: String) -> Bool {
  var isFolder: ObjCBool = false
  return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
}

/// The SHA-256 of a file that is an image.
private func digest(ofPhoto path: String) throws(QuantizationError) -> String {
  let reason: String
  do throws(FileError) {
    let file = try MappedFile(path: path)
    do throws(ImageError) {
      _ = try RGBImage(encoded: file.bytes)
      return sha256Hex(file.bytes)
    } catch {
      reason = error.description
    }
  } catch {
    reason = error.description
  }
  throw .photo(path: path, reason: reason)
}
