// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
package import ResNetPlatform

/// Folders of images that do not stand for the classes of a network.
package enum FolderMismatch: Error, Equatable, TextDescribable {
  /// Some folders are named like classes, but `count` of them are not.
  case someNames(count: Int, folders: Int)
  /// No folder is named like a class, and there are not as many folders as classes.
  case count(folders: Int, classes: Int)

  /// How many folders are not named like a class.
  package var unknown: Int {
    switch self {
    case .someNames(let count, _): count
    case .count(let folders, _): folders
    }
  }

  package func describe(to line: inout TextLine) {
    switch self {
    case .someNames(let count, let folders):
      line.append("expected every folder to be named after a class of the plan, found ")
      line.append("\(count) of \(folders) that are not")
    case .count(let folders, let classes):
      line.append("expected folders named after classes of the plan, or one for each of its ")
      line.append("\(classes) classes, found \(folders)")
      line.append(folders == 1 ? " folder of another name" : " folders of other names")
    }
  }
}

/// Finds the class that each folder of a labelled set stands for.
///
/// A folder is named like a class, or like the first word of the name of a single class. If no folder
/// is, they stand, in their order, for the classes in theirs.
///
/// - Parameters:
///   - folder: the name of the folder of some index, ended by a zero byte.
///   - classNames: the names of the classes, each ended by a zero byte, one after another; nil if they
///     have none.
///   - classCount: the number of classes.
///   - labels: as many as there are folders; filled with the class of each.
/// - Returns: whether folders have the names of classes, rather than their order.
/// - Throws: ``FolderMismatch``.
/// - **Allocates:** nothing.
package func matchFolders(
  _ folder: (Int) -> UnsafePointer<CChar>, toClasses classNames: UnsafePointer<CChar>?,
  count classCount: Int, labels: UnsafeMutableBufferPointer<Int>
) throws(FolderMismatch) -> Bool {
  var matched = 0
  for index in labels.indices {
    guard let classNames, let label = label(folder(index), among: classNames, count: classCount)
    else { continue }
    labels[index] = label
    matched += 1
  }
  if matched == labels.count { return true }
  guard matched == 0 else {
    throw .someNames(count: labels.count - matched, folders: labels.count)
  }
  guard labels.count == classCount else {
    throw .count(folders: labels.count, classes: classCount)
  }
  for index in labels.indices { labels[index] = index }
  return false
}

/// The class of that name, or the only one whose name starts with that word.
private func label(
  _ name: UnsafePointer<CChar>, among classes: UnsafePointer<CChar>, count: Int
) -> Int? {
  let length = strlen(name)
  var (first, isAmbiguous) = (Int?.none, false)
  var other = classes
  for index in 0..<count {
    if strncmp(other, name, length) == 0 {
      if other[length] == 0 { return index }
      if other[length] == CChar(0x20) {
        isAmbiguous = first != nil
        first = first ?? index
      }
    }
    other += strlen(other) + 1
  }
  return isAmbiguous ? nil : first
}

/// Whether a name ends like a JPEG or PNG file, in upper or lower case.
package func isImageName(_ name: UnsafePointer<CChar>) -> Bool {
  guard let dot = strrchr(name, 0x2E) else { return false }
  func ends(_ suffix: StaticString) -> Bool {
    strcasecmp(dot, UnsafeRawPointer(suffix.utf8Start).assumingMemoryBound(to: CChar.self)) == 0
  }
  return ends(".jpg") || ends(".jpeg") || ends(".png")
}

#if !hasFeature(Embedded)
  /// Finds the class that each folder of a labelled set stands for, as the other form does.
  ///
  /// - Parameters:
  ///   - folders: the names of the folders, in the order that stands for that of the classes.
  ///   - classNames: the names of the classes; empty if they have none.
  ///   - classCount: the number of classes.
  /// - Returns: the class of each folder.
  /// - Throws: ``FolderMismatch``.
  package func matchFolders(
    _ folders: [String], toClasses classNames: [String], count classCount: Int
  ) throws(FolderMismatch) -> [Int] {
    var (texts, starts) = ([CChar](), [Int]())
    for folder in folders {
      starts.append(texts.count)
      texts += folder.utf8CString
    }
    let names = classNames.flatMap { $0.utf8CString }
    var labels = [Int](repeating: 0, count: folders.count)
    var mismatch: FolderMismatch?
    texts.withUnsafeBufferPointer { texts in
      names.withUnsafeBufferPointer { names in
        labels.withUnsafeMutableBufferPointer { labels in
          do throws(FolderMismatch) {
            _ = try matchFolders(
              { texts.baseAddress! + starts[$0] },
              toClasses: classNames.isEmpty ? nil : names.baseAddress, count: classCount,
              labels: labels)
          } catch {
            mismatch = error
          }
        }
      }
    }
    if let mismatch { throw mismatch }
    return labels
  }
#endif
