// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages
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
  init(_ root: UnsafePointer<CChar>, _ plan: borrowing Plan) throws(RunFailure) {
    var found = try DirectoryListing(root)
    try found.keep { name throws(RunFailure) in
      if isForeignFolder(name) { return false }
      let path = try shared(Path(root, name))
      var status = stat()
      return stat(path.text, &status) == 0 && rn_is_directory(&status) != 0
    }
    guard found.count > 0 else { throw .noImages(root) }
    let matches = try ClassFolders.match(found, plan, in: root)
    var (images, others) = (0, OtherImages())
    for index in 0..<found.count {
      images += try ClassFolders.images(
        in: shared(Path(root, found[index])), of: root, others: &others
      ).count
    }
    others.tell(root)
    guard images > 0 else { throw .noImages(root) }
    self.root = root
    imageCount = images
    classes = matches
    listing = found
  }

  /// The path of a folder.
  func path(_ index: Int) throws(RunFailure) -> Path {
    try shared(Path(root, listing[index]))
  }

  /// The class that a folder stands for.
  func label(_ index: Int) -> Int { classes.elements[index] }

  /// The names of the images in a folder.
  func images(inFolder index: Int) throws(RunFailure) -> DirectoryListing {
    var others = OtherImages()
    return try ClassFolders.images(in: path(index), of: root, others: &others)
  }

  private static func images(
    in folder: borrowing Path, of root: UnsafePointer<CChar>, others: inout OtherImages
  ) throws(RunFailure) -> DirectoryListing {
    var images: DirectoryListing
    do throws(RunFailure) {
      images = try DirectoryListing(folder.text)
    } catch {
      // The path of the folder ends here, and an error outlives it: name the root instead.
      guard case .folder(_, let code) = error else { throw error }
      throw .folder(root, errno: code)
    }
    try images.keep { name throws(RunFailure) in
      switch ImageName(name) {
      case .image: return true
      case .other(let format):
        others.count(format)
        return false
      case .none: return false
      }
    }
    return images
  }

  private static func match(
    _ folders: borrowing DirectoryListing, _ plan: borrowing Plan, in root: UnsafePointer<CChar>
  ) throws(RunFailure) -> Buffer<Int> {
    let labels = try shared(Buffer<Int>(count: folders.count))
    let names = plan.view.className(0)?.baseAddress.map {
      UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self)
    }
    do throws(FolderMismatch) {
      let areNamed = try matchFolders(
        { folders[$0] }, toClasses: names, count: plan.classCount, labels: labels.elements)
      if !areNamed {
        var line: TextLine = "\(root): no folder is named after a class; taking them, sorted,"
        line.append(" for the classes in order")
        tool.complain(line)
      }
      return labels
    } catch {
      throw .classes(root, error)
    }
  }
}

/// Images of formats that are not read.
private struct OtherImages {
  private var count = 0
  private var example = 0

  /// Counts one of a format.
  mutating func count(_ format: Int) {
    count += 1
    example = format
  }

  /// Tells how many there are in a folder, if any.
  @inline(never)
  func tell(_ root: UnsafePointer<CChar>) {
    guard count > 0 else { return }
    var line: TextLine = "\(root): left out \(count) images that are not JPEG or PNG, such as "
    line.append("*\(ImageName.suffix(example)): convert them")
    tool.complain(line)
  }
}
