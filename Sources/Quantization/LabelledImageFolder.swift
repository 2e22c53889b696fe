// SPDX-License-Identifier: Apache-2.0

import ResNetImages
public import ResNetPlanFormat
import ResNetPlatform

/// Photos in folders that are named after their classes.
public struct LabelledImageFolder: ImageSource {
  private let photos: [(path: String, label: Int)]

  /// How many files of which other image formats were left out; nil if there are none.
  public let otherFormats: String?

  public var count: Int { photos.count }
  public var description: String { "\(count) images" }

  /// Finds the JPEG and PNG photos in FOLDER/CLASS/, of which at least one must be readable; a ``Comparison`` leaves
  /// the others out.
  ///
  /// A folder is named like a class, like the first word of its name or like its name without the synset; if none
  /// is, the sorted folders stand for the classes in order, if they are as many. Links are followed; hidden
  /// files and folders are left out.
  ///
  /// - Parameters:
  ///   - folder: the path of the folder of folders.
  ///   - classNames: the names of the network's classes, in the order of its logits; may be empty.
  ///   - classCount: how many classes the network has; by default as many as there are names, or else folders.
  /// - Throws: a ``QuantizationError`` if folders and classes do not match, if there is no photo, or if none of
  ///   the photos can be read.
  /// - **Allocates:** one decoded photo.
  public init(_ folder: String, classNames: [String] = [], classCount: Int? = nil) throws {
    let folders = try PhotoFiles.list(folder).filter {
      !isForeignFolder($0) && isFolder(join(folder, $0))
    }
    let classes: [Int]
    do throws(FolderMismatch) {
      classes = try matchFolders(
        folders, toClasses: classNames,
        count: classCount ?? (classNames.isEmpty ? folders.count : classNames.count))
    } catch {
      throw QuantizationError.classFolders(folder: folder, reason: error.description)
    }
    var files = PhotoFiles()
    var found: [Int] = []
    for (name, label) in zip(folders, classes) {
      try files.search(join(folder, name), isDeep: false)
      found += repeatElement(label, count: files.photos.count - found.count)
    }
    otherFormats = files.otherFormats
    guard !found.isEmpty else {
      throw QuantizationError.noPhotos(folder: folder, otherFormats: files.otherFormats)
    }
    var example: QuantizationError?
    for path in files.photos {
      let photo = try orUnreadable { () throws(QuantizationError) in try withPhoto(path) { _, _ in }
      }
      guard case .failure(let error) = photo else {
        example = nil
        break
      }
      example = example ?? error
    }
    if let example {
      throw QuantizationError.unreadable(
        folder: folder, allowedPercent: 100, found: found.count, count: found.count,
        example: "\(example)")
    }
    photos = Array(zip(files.photos, found))
  }

  public func pixels(_ index: Int, _ preprocessing: PreprocessingRecord) throws -> [UInt8] {
    try photoPixels(photos[index].path, preprocessing)
  }

  public func label(_ index: Int) -> Int? { photos[index].label }
}

/// Reads the names of classes from a text with one name a line: UTF-8, or UTF-16 with a byte order mark. Lines end
/// with LF, CR LF or CR. Characters that cannot be shown, such as tabs within a name, are refused with their line.
///
/// - Parameter path: a file, a pipe, or "-" for standard input.
/// - Returns: the names without spaces around them; without empty lines at the end of the file.
public func readClassNames(_ path: String) throws(QuantizationError) -> [String] {
  let bytes: [UInt8]
  do throws(FileError) {
    let file = try MappedFile(input: path)
    bytes = Array(file.bytes)
  } catch {
    throw .classNames(path: path, reason: error.description)
  }
  let text: String?
  switch (bytes.first, bytes.dropFirst().first) {
  case (0xFF, 0xFE): text = String(bytes: bytes.dropFirst(2), encoding: .utf16LittleEndian)
  case (0xFE, 0xFF): text = String(bytes: bytes.dropFirst(2), encoding: .utf16BigEndian)
  default:
    text = String(
      validating: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...],
      as: UTF8.self)
  }
  guard let text, !text.utf8.contains(0) else {
    throw .classNames(
      path: path, reason: "expected UTF-8 text, or UTF-16 with a byte order mark, found neither")
  }
  // A Character may be CR LF.
  var lines = text.split(omittingEmptySubsequences: false) { ["\n", "\r\n", "\r"].contains($0) }.map
  {
    $0.trimmed
  }
  while lines.last == "" { lines.removeLast() }
  for (index, line) in lines.enumerated() {
    guard let found = line.firstHiddenCharacter else { continue }
    let reason = "line \(index + 1): expected \(printableText), found \(codePoint(found))"
    throw .classNames(path: path, reason: reason)
  }
  return lines
}
