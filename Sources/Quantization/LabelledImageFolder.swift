// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetImages
public import ResNetPlanFormat

/// Photos in folders that are named after their classes.
public struct LabelledImageFolder: ImageSource {
  private let photos: [(path: String, label: Int)]

  public var count: Int { photos.count }
  public var description: String { "\(count) images" }

  /// Finds the JPEG and PNG photos in FOLDER/CLASS/.
  ///
  /// A folder is named like a class or like the first word of its name; if none is, the sorted folders stand
  /// for the classes in order, if they are as many.
  ///
  /// - Parameters:
  ///   - folder: the path of the folder of folders.
  ///   - classNames: the names of the network's classes, in the order of its logits; may be empty.
  ///   - classCount: how many classes the network has; by default as many as there are names, or else folders.
  /// - Throws: a ``QuantizationError`` if folders and classes do not match, or if there is no photo.
  public init(_ folder: String, classNames: [String] = [], classCount: Int? = nil) throws {
    let files = FileManager.default
    let entries = ((try? files.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    let folders = entries.filter {
      !$0.hasPrefix(".") && isFolder((folder as NSString).appendingPathComponent($0))
    }
    let classes: [Int]
    do throws(FolderMismatch) {
      classes = try matchFolders(
        folders, toClasses: classNames,
        count: classCount ?? (classNames.isEmpty ? folders.count : classNames.count))
    } catch {
      throw QuantizationError.classFolders(folder: folder, reason: error.description)
    }
    photos = try zip(folders, classes).flatMap { name, label in
      let root = (folder as NSString).appendingPathComponent(name)
      let names = try files.contentsOfDirectory(atPath: root).filter { isImageName($0) }
      return names.sorted().map { ((root as NSString).appendingPathComponent($0), label) }
    }
    guard !photos.isEmpty else { throw QuantizationError.noPhotos(folder: folder) }
  }

  public func pixels(_ index: Int, _ preprocessing: PreprocessingRecord) throws -> [UInt8] {
    try photoPixels(photos[index].path, preprocessing)
  }

  public func label(_ index: Int) -> Int? { photos[index].label }
}

/// Reads the names of classes from a UTF-8 file with one name a line.
///
/// - Returns: the names without spaces around them; without empty lines at the end of the file.
public func readClassNames(_ path: String) throws(QuantizationError) -> [String] {
  guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
    throw .classNames(path: path)
  }
  var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
    $0.trimmingCharacters(in: .whitespaces)
  }
  while lines.last == "" { lines.removeLast() }
  return lines
}
