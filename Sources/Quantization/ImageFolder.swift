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
    unreadable = checks.compactMap { check in
      if case .failure(let error) = check { "\(error)" } else { nil }
    }.sorted()
    let photos = zip(checks, files).compactMap { check, file in
      (try? check.get()).map { (digest: $0, path: file) }
    }.sorted { $0 < $1 }
    let isTooMany = Double(unreadable.count) * 100 > allowedUnreadable * Double(files.count)
    if isTooMany || photos.isEmpty {
      throw QuantizationError.unreadable(
        folder: folder, allowedPercent: allowedUnreadable, found: unreadable.count,
        count: files.count, example: unreadable[0])
    }
    paths = photos.map(\.path)
    count = paths.count
    let all = sha256Hex(Array(photos.map(\.digest).joined(separator: "\n").utf8))
    description = "\(count) images, sha256 \(all)"
  }

  public func pixels(_ index: Int, _ preprocessing: PreprocessingRecord) throws -> [UInt8] {
    try photoPixels(paths[index], preprocessing)
  }
}

/// The pixels of a photo as a network sees them.
func photoPixels(_ path: String, _ preprocessing: PreprocessingRecord) throws -> [UInt8] {
  let crop = preprocessing.crop
  do {
    let photo = try RGBImage(path: path)
    return try [UInt8](unsafeUninitializedCapacity: crop * crop * 3) { pixels, count in
      try preprocess(photo, as: preprocessing, into: pixels.baseAddress!)
      count = crop * crop * 3
    }
  } catch {
    throw QuantizationError.photo(path: path, reason: words(for: error))
  }
}

/// Whether a path names a folder.
func isFolder(_ path: String) -> Bool {
  var isFolder: ObjCBool = false
  return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
}

/// The SHA-256 of a file that is an image.
private func digest(ofPhoto path: String) throws(QuantizationError) -> String {
  do {
    let file = try MappedFile(path: path)
    _ = try RGBImage(encoded: file.bytes)
    return sha256Hex(file.bytes)
  } catch {
    throw .photo(path: path, reason: words(for: error))
  }
}
