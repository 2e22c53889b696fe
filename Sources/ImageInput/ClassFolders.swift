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
/// A folder is named like a class, like the first word of the name of a single class, or like its name without
/// the synset or before the comma, as resnet-run prints it; underscores may stand for the spaces. If no folder
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

/// The class of that name; else the only one whose name without its synset it is; else the only one whose name
/// starts with that word, or whose name without its synset starts with it before a comma.
private func label(
  _ name: UnsafePointer<CChar>, among classes: UnsafePointer<CChar>, count: Int
) -> Int? {
  var (whole, wholes, part, parts) = (0, 0, 0, 0)
  var other = classes
  for index in 0..<count {
    if strcmp(other, name) == 0 { return index }
    let rest = other + synsetLength(UnsafeRawPointer(other).assumingMemoryBound(to: UInt8.self))
    if starts(rest, with: name, before: 0) {
      whole = index
      wholes += 1
    } else if starts(other, with: name, before: 0x20) || starts(rest, with: name, before: 0x2C) {
      part = index
      parts += 1
    }
    other += strlen(other) + 1
  }
  return wholes == 1 ? whole : wholes == 0 && parts == 1 ? part : nil
}

/// Whether a text starts with `name` and goes on with a byte; `name` may have underscores for spaces.
private func starts(
  _ text: UnsafePointer<CChar>, with name: UnsafePointer<CChar>, before end: CChar
) -> Bool {
  var place = 0
  while name[place] != 0 {
    guard name[place] == text[place] || (name[place] == 0x5F && text[place] == 0x20) else {
      return false
    }
    place += 1
  }
  return text[place] == end
}

/// The bytes of the ImageNet synset before a class name: the letter n, eight digits and a space; 0 if there is
/// none.
package func synsetLength(_ name: UnsafePointer<UInt8>) -> Int {
  guard name[0] == UInt8(ascii: "n") else { return 0 }
  for index in 1...8 {
    guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= name[index] else { return 0 }
  }
  return name[9] == UInt8(ascii: " ") && name[10] != 0 ? 10 : 0
}

/// Whether a folder is one that programs make for themselves: thumbnails, waste, what macOS puts into archives.
package func isForeignFolder(_ name: UnsafePointer<CChar>) -> Bool {
  let names: InlineArray<4, StaticString> = ["@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX"]
  for index in names.indices
  where strcmp(
    name, UnsafeRawPointer(names[index].utf8Start).assumingMemoryBound(to: CChar.self)) == 0
  { return true }
  return false
}

/// What the name of a file says about it.
package enum ImageName {
  /// A JPEG or PNG image.
  case image
  /// An image of a format that is not read, a number below ``ImageName/otherCount``.
  case other(Int)
  /// Nothing, or that it is hidden.
  case none

  /// The suffixes of the formats that are not read; those that mean the same in a row.
  private static var others: InlineArray<13, StaticString> {
    [
      ".webp", ".heic", ".heif", ".avif", ".bmp", ".gif", ".tif", ".tiff", ".jxl", ".jp2", ".dng",
      ".ppm", ".tga",
    ]
  }

  /// How many formats there are that are not read.
  package static var otherCount: Int { others.count }

  /// The suffix of a format that is not read.
  package static func suffix(_ other: Int) -> StaticString { others[other] }

  /// Reads the end of a name, in upper or lower case. Names that start with a dot are hidden: such as what
  /// macOS keeps in "._photo.jpg".
  @inline(never)
  package init(_ name: UnsafePointer<CChar>) {
    self = .none
    guard name[0] != 0x2E, let dot = strrchr(name, 0x2E) else { return }
    func ends(_ suffix: StaticString) -> Bool {
      strcasecmp(dot, UnsafeRawPointer(suffix.utf8Start).assumingMemoryBound(to: CChar.self)) == 0
    }
    let read: InlineArray<6, StaticString> = [".jpg", ".jpeg", ".png", ".jfif", ".jpe", ".jif"]
    for index in read.indices where ends(read[index]) { self = .image }
    let others = ImageName.others
    for index in others.indices where ends(others[index]) { self = .other(index) }
  }
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
