// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetImages
import ResNetModelGraph
import ResNetModelImport
import ResNetPlanFormat
import ResNetPlatform
import Synchronization

/// The images that activations are observed on: photos of a folder, or random ones.
struct CalibrationImages: Sendable {
  private enum Source {
    case files([String])
    case random(seed: UInt64, size: Int)
  }

  let count: Int
  /// What they were, the same for the same images whatever their folder is called.
  let description: String
  /// The photos left out and why, sorted: a line each.
  let unreadable: [String]

  private let source: Source
  private let resize: Int
  private let crop: Int

  /// Finds the photos of a folder and its sub-folders and decodes each to see that it is one.
  ///
  /// - Parameter allowUnreadable: per cent of the photos that may be left out because they cannot be read.
  /// - Throws: a ``ToolError`` if more cannot be read, or if there is none.
  init(folder: String, preprocessing: PreprocessingRecord, allowUnreadable: Double) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue
    else { throw ToolError("\(folder): expected a folder with calibration photos") }
    let found = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    let files =
      found
      .filter(isPhotoName)
      .map { (folder as NSString).appendingPathComponent($0) }
    guard !files.isEmpty else {
      throw ToolError("\(folder): expected JPEG or PNG photos to calibrate with, found none")
    }
    let checks = CalibrationImages.check(files)
    unreadable = zip(files, checks).compactMap { file, check in
      if case .failure(let error) = check { "\(file): \(error)" } else { nil }
    }.sorted()
    let isTooMany = Double(unreadable.count) * 100 > allowUnreadable * Double(files.count)
    if isTooMany || unreadable.count == files.count {
      throw ToolError(
        "\(folder): expected at most \(allowUnreadable.formatted()) % of the photos to be unreadable, "
          + "found \(unreadable.count) of \(files.count), for example \(unreadable[0])")
    }
    // In the order of their contents, so that names and folders do not matter.
    let hashed = zip(files, checks)
      .compactMap { file, check in (try? check.get()).map { (hash: $0, path: file) } }
      .sorted { $0 < $1 }
    let set = hashed.map(\.hash).joined(separator: "\n")
    source = .files(hashed.map(\.path))
    count = hashed.count
    let digest = sha256Hex(Array(set.utf8))
    description = "\(hashed.count) images, sha256 \(digest)"
    resize = preprocessing.resize
    crop = preprocessing.crop
  }

  /// Photos in an order that matters.
  init(paths: [String], preprocessing: PreprocessingRecord) {
    source = .files(paths)
    count = paths.count
    description = "\(paths.count) images"
    unreadable = []
    resize = preprocessing.resize
    crop = preprocessing.crop
  }

  /// Images of independent random bytes.
  init(randomCount: Int, seed: UInt64, size: Int) {
    source = .random(seed: seed, size: size)
    count = randomCount
    description = "\(randomCount) random images, seed \(seed)"
    unreadable = []
    resize = size
    crop = size
  }

  /// The pixels of an image: RGB8, `crop` × `crop` × 3 bytes.
  func pixels(_ index: Int) throws -> [UInt8] {
    switch source {
    case .random(let seed, let size):
      var generator = RandomGenerator(seed: seed &+ UInt64(index) << 32)
      return (0..<size * size * 3).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 56) }
    case .files(let paths):
      var failure: String?
      let pixels = [UInt8](unsafeUninitializedCapacity: crop * crop * 3) { pixels, count in
        do throws(ImageError) {
          let photo = try RGBImage(path: paths[index])
          try preprocess(
            photo, resizeShorterSide: resize, crop: crop, into: pixels.baseAddress!)
          count = crop * crop * 3
        } catch {
          var line = TextLine()
          error.describe(to: &line)
          failure = String(line)
        }
      }
      if let failure { throw ToolError("\(paths[index]): \(failure)") }
      return pixels
    }
  }

  /// Names the photos left out on standard error, also if nothing else is told: they are no part of what
  /// was asked for.
  func listUnreadable() {
    for line in unreadable {
      FileHandle.standardError.write(Data("resnet-quantize: left out \(line)\n".utf8))
    }
  }

  /// The SHA-256 of each file, or why it is not an image.
  private static func check(_ files: [String]) -> [Result<String, ToolError>] {
    let results = Mutex(
      [Result<String, ToolError>](repeating: .success(""), count: files.count))
    DispatchQueue.concurrentPerform(iterations: files.count) { index in
      let result = Result { () throws(ToolError) in try check(files[index]) }
      results.withLock { $0[index] = result }
    }
    return results.withLock { $0 }
  }

  private static func check(_ path: String) throws(ToolError) -> String {
    var line = TextLine()
    do throws(FileError) {
      let file = try MappedFile(path: path)
      do throws(ImageError) {
        _ = try RGBImage(encoded: file.bytes)
        return sha256Hex(file.bytes)
      } catch {
        error.describe(to: &line)
      }
    } catch {
      error.describe(to: &line)
    }
    throw ToolError(String(line))
  }
}
