// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
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
  /// How many files of which other image formats were left out; nil if there are none.
  public let otherFormats: String?
  private let paths: [String]

  /// Finds the JPEG and PNG photos of a folder and decodes each to see that it is one.
  ///
  /// Links and other mounts are followed; hidden files and folders are left out.
  ///
  /// - Parameters:
  ///   - folder: its path.
  ///   - allowedUnreadable: per cent of the photos that may be left out because they cannot be read.
  ///   - threads: how many photos are decoded at a time, by default as many as there are processors.
  /// - Throws: a ``QuantizationError`` if more cannot be read, if there is no photo, or if the system lets none be
  ///   read.
  /// - **Allocates:** one decoded photo for each thread at a time, but only one of more than 16 Mi pixels.
  public init(
    _ folder: String, allowedUnreadable: Double = 5,
    threads: Int? = nil
  ) throws {
    guard isFolder(folder) else { throw QuantizationError.folder(path: folder) }
    var files = PhotoFiles()
    try files.search(folder)
    otherFormats = files.otherFormats
    let found = files.photos
    guard !found.isEmpty else {
      throw QuantizationError.noPhotos(folder: folder, otherFormats: files.otherFormats)
    }
    let digests = try mapImages(
      count: found.count, threads: threads ?? ProcessInfo.processInfo.activeProcessorCount,
      progress: { _ in }, makeWorker: {},
      value: { _, index in
        try orUnreadable { () throws(QuantizationError) in
          try withPhoto(found[index]) { _, file in (sha256Hex(file), found[index]) }
        }
      })
    unreadable = digests.compactMap { digest in
      if case .failure(let error) = digest { "\(error)" } else { nil }
    }.sorted()
    let isTooMany = Double(unreadable.count) * 100 > allowedUnreadable * Double(found.count)
    if isTooMany || unreadable.count == found.count {
      throw QuantizationError.unreadable(
        folder: folder, allowedPercent: allowedUnreadable, found: unreadable.count,
        count: found.count, example: unreadable[0])
    }
    let readable = digests.compactMap { try? $0.get() }.sorted { $0 < $1 }
    paths = readable.map(\.1)
    count = paths.count
    let all = sha256Hex(Array(readable.map(\.0).joined(separator: "\n").utf8))
    description = "\(count) images, sha256 \(all)"
  }

  public func pixels(_ index: Int, _ preprocessing: PreprocessingRecord) throws -> [UInt8] {
    try photoPixels(paths[index], preprocessing)
  }
}
