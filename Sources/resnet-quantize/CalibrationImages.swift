// SPDX-License-Identifier: Apache-2.0

import Foundation
import ImageInput
import ModelGraph
import ModelImport
import PlanFormat
import Platform

/// The images that activations are observed on: photos of a folder, or random ones.
struct CalibrationImages: Sendable {
  private enum Source {
    case files([String])
    case random(seed: UInt64, size: Int)
  }

  let count: Int
  /// What they were, the same for the same images whatever their folder is called.
  let description: String

  private let source: Source
  private let resize: Int
  private let crop: Int

  /// Finds the photos of a folder and its sub-folders.
  init(folder: String, recipe: RecipeRecord) throws {
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
    // In the order of their contents, so that names and folders do not matter.
    let hashed = try files.map { (hash: try CalibrationImages.hash($0), path: $0) }
      .sorted { $0 < $1 }
    let set = hashed.map(\.hash).joined(separator: "\n")
    source = .files(hashed.map(\.path))
    count = hashed.count
    let digest = sha256Hex(Array(set.utf8))
    description = "\(hashed.count) images, sha256 \(digest)"
    resize = recipe.resize
    crop = recipe.crop
  }

  /// Photos in an order that matters.
  init(paths: [String], recipe: RecipeRecord) {
    source = .files(paths)
    count = paths.count
    description = "\(paths.count) images"
    resize = recipe.resize
    crop = recipe.crop
  }

  /// Images of independent random bytes.
  init(randomCount: Int, seed: UInt64, size: Int) {
    source = .random(seed: seed, size: size)
    count = randomCount
    description = "\(randomCount) random images, seed \(seed)"
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

  private static func hash(_ path: String) throws -> String {
    do throws(FileError) {
      let file = try MappedFile(path: path)
      return sha256Hex(file.bytes)
    } catch {
      if error == .empty { return sha256Hex(UnsafeRawBufferPointer(start: nil, count: 0)) }
      var line = TextLine()
      error.describe(to: &line)
      throw ToolError("\(path): \(String(line))")
    }
  }
}
