// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

/// The folders of a validation set and the classes that they stand for.
struct ClassFolders: ~Copyable {
  /// How many images there are in all folders.
  let imageCount: Int

  private let root: UnsafePointer<CChar>
  private let listing: DirectoryListing
  private let classes: Buffer<Int>

  /// The number of folders.
  var count: Int { listing.count }

  /// Finds the folders in `root`, a word of the command line, and matches them to the plan's classes.
  init(_ root: UnsafePointer<CChar>, _ plan: borrowing Plan) throws(RunError) {
    var found = try DirectoryListing(root)
    try found.keep { name throws(RunError) in
      let path = try Path(root, name)
      var status = stat()
      return stat(path.text, &status) == 0 && rn_is_directory(&status) != 0
    }
    guard found.count > 0 else { throw .noImages(root) }
    let matches = try ClassFolders.match(found, plan, in: root)
    var images = 0
    for index in 0..<found.count {
      images += try ClassFolders.images(in: Path(root, found[index]), of: root).count
    }
    guard images > 0 else { throw .noImages(root) }
    self.root = root
    imageCount = images
    classes = matches
    listing = found
  }

  /// The path of a folder.
  func path(_ index: Int) throws(RunError) -> Path { try Path(root, listing[index]) }

  /// The class that a folder stands for.
  func label(_ index: Int) -> Int { classes.elements[index] }

  /// The names of the images in a folder.
  func images(inFolder index: Int) throws(RunError) -> DirectoryListing {
    try ClassFolders.images(in: path(index), of: root)
  }

  private static func images(
    in folder: borrowing Path, of root: UnsafePointer<CChar>
  ) throws(RunError) -> DirectoryListing {
    var images: DirectoryListing
    do throws(RunError) {
      images = try DirectoryListing(folder.text)
    } catch {
      // The path of the folder ends here, and an error outlives it: name the root instead.
      guard case .folder(_, let code) = error else { throw error }
      throw .folder(root, errno: code)
    }
    try images.keep { name throws(RunError) in isImageName(name) }
    return images
  }

  private static func match(
    _ folders: borrowing DirectoryListing, _ plan: borrowing Plan, in root: UnsafePointer<CChar>
  ) throws(RunError) -> Buffer<Int> {
    let classes = try Buffer<Int>(count: folders.count)
    let names = try Buffer<UnsafeBufferPointer<UInt8>?>(count: plan.classCount)
    for index in 0..<plan.classCount { names.elements[index] = plan.view.className(index) }

    var matched = 0
    for folder in 0..<folders.count {
      let name = UnsafeRawPointer(folders[folder]).assumingMemoryBound(to: UInt8.self)
      let text = UnsafeBufferPointer(start: name, count: strlen(folders[folder]))
      if let label = ClassFolders.label(named: text, among: names.elements) {
        classes.elements[folder] = label
        matched += 1
      }
    }
    if matched == folders.count { return classes }
    guard matched == 0 else {
      throw .strangeFolders(root, count: folders.count - matched, folders: folders.count)
    }
    guard folders.count == plan.classCount else {
      throw .folderCount(root, folders: folders.count, classes: plan.classCount)
    }
    complain {
      $0.append(cString: root)
      $0.append(": no folder is named after a class; taking them, sorted, for the classes in order")
    }
    for folder in 0..<folders.count { classes.elements[folder] = folder }
    return classes
  }

  /// The class of that name, or the only one whose name starts with that word.
  private static func label(
    named name: UnsafeBufferPointer<UInt8>,
    among classes: UnsafeMutableBufferPointer<UnsafeBufferPointer<UInt8>?>
  ) -> Int? {
    var first: Int?
    var isAmbiguous = false
    for index in 0..<classes.count {
      guard let other = classes[index], other.count >= name.count,
        memcmp(other.baseAddress!, name.baseAddress!, name.count) == 0
      else { continue }
      if other.count == name.count { return index }
      guard other[name.count] == UInt8(ascii: " ") else { continue }
      isAmbiguous = first != nil
      first = first ?? index
    }
    return isAmbiguous ? nil : first
  }
}

/// Whether a name ends like a JPEG or PNG file, in upper or lower case.
private func isImageName(_ name: UnsafePointer<CChar>) -> Bool {
  guard let dot = strrchr(name, 0x2E) else { return false }
  return hasText(dot, ".jpg") || hasText(dot, ".jpeg") || hasText(dot, ".png")
}

private func hasText(_ text: UnsafePointer<CChar>, _ expected: StaticString) -> Bool {
  let expected = UnsafeRawPointer(expected.utf8Start).assumingMemoryBound(to: CChar.self)
  return strcasecmp(text, expected) == 0
}
