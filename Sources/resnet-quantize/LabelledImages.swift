// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetPlanFormat

/// Photos in folders that are named after their classes.
struct LabelledImages: Sendable {
  let images: CalibrationImages
  private let labels: [Int]

  /// Finds the photos in DIR/CLASS/. A folder is named like a class or like the first word of its name; if
  /// none is, the sorted folders stand for the classes in order, if they are as many.
  init(folder: String, classNames: [String], classCount: Int, preprocessing: PreprocessingRecord)
    throws
  {
    let entries = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    let folders = entries.filter {
      var isFolder: ObjCBool = false
      let path = (folder as NSString).appendingPathComponent($0)
      return !$0.hasPrefix(".")
        && FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        && isFolder.boolValue
    }
    let classes = try LabelledImages.classes(
      of: folders, in: folder, names: classNames, count: classCount)
    var paths: [String] = []
    var labels: [Int] = []
    for (name, label) in zip(folders, classes) {
      let root = (folder as NSString).appendingPathComponent(name)
      let found = try FileManager.default.contentsOfDirectory(atPath: root).filter(isPhotoName)
      for photo in found.sorted() {
        paths.append((root as NSString).appendingPathComponent(photo))
        labels.append(label)
      }
    }
    guard !paths.isEmpty else {
      throw ToolError("\(folder): expected folders with JPEG or PNG photos, found none")
    }
    images = CalibrationImages(paths: paths, preprocessing: preprocessing)
    self.labels = labels
  }

  /// The class of an image.
  func label(_ index: Int) -> Int { labels[index] }

  private static func classes(
    of folders: [String], in root: String, names: [String], count: Int
  ) throws -> [Int] {
    let matches = folders.map { folder in
      names.firstIndex(of: folder)
        ?? {
          let starts = names.indices.filter { names[$0].split(separator: " ").first == folder[...] }
          return starts.count == 1 ? starts[0] : nil
        }()
    }
    if matches.allSatisfy({ $0 != nil }) { return matches.compactMap { $0 } }
    guard matches.allSatisfy({ $0 == nil }), folders.count == count else {
      throw ToolError(
        "\(root): expected folders named after the \(count) classes, or as many, found "
          + "\(folders.count), of them \(matches.count { $0 == nil }) of other names")
    }
    return Array(0..<count)
  }
}

/// Whether a name ends like that of a photo.
func isPhotoName(_ name: String) -> Bool {
  ["jpg", "jpeg", "png"].contains((name as NSString).pathExtension.lowercased())
}
