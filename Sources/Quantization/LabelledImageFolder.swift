// SPDX-License-Identifier: Apache-2.0

import Foundation
public import ResNetPlanFormat

/// Photos in folders that are named after their classes.
public struct LabelledImageFolder: ImageSource {
  private let paths: [String]
  private let labels: [Int]

  public var count: Int { paths.count }
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
      var isFolder: ObjCBool = false
      let path = (folder as NSString).appendingPathComponent($0)
      return !$0.hasPrefix(".") && files.fileExists(atPath: path, isDirectory: &isFolder)
        && isFolder.boolValue
    }
    let classes = try Self.classes(
      of: folders, in: folder, names: classNames,
      count: classCount ?? (classNames.isEmpty ? folders.count : classNames.count))
    var photos: [(path: String, label: Int)] = []
    for (name, label) in zip(folders, classes) {
      let root = (folder as NSString).appendingPathComponent(name)
      for photo in try files.contentsOfDirectory(atPath: root).filter(isPhotoName).sorted() {
        photos.append(((root as NSString).appendingPathComponent(photo), label))
      }
    }
    guard !photos.isEmpty else { throw QuantizationError.noPhotos(folder: folder) }
    paths = photos.map(\.path)
    labels = photos.map(\.label)
  }

  public func pixels(_ index: Int, _ preprocessing: PreprocessingRecord) throws -> [UInt8] {
    try photoPixels(paths[index], preprocessing)
  }

  public func label(_ index: Int) -> Int? { labels[index] }

  private static func classes(
    of folders: [String], in root: String, names: [String], count: Int
  ) throws(QuantizationError) -> [Int] {
    let matches = folders.map { folder -> Int? in
      if let index = names.firstIndex(of: folder) { return index }
      let starts = names.indices.filter { names[$0].split(separator: " ").first == folder[...] }
      return starts.count == 1 ? starts[0] : nil
    }
    if matches.allSatisfy({ $0 != nil }) { return matches.compactMap { $0 } }
    guard matches.allSatisfy({ $0 == nil }), folders.count == count else {
      throw .classFolders(
        folder: root, classCount: count, found: folders.count, unknown: matches.count { $0 == nil })
    }
    return Array(0..<count)
  }
}
