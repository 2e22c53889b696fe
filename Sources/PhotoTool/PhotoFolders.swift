// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
public import ResNetBoardTool
import ResNetImages
import ResNetPlatform

/// The folders of labelled photos, sorted by name, each of which has the photos of one class.
///
/// All folders are listed once: what comes into them later is not there.
public struct PhotoFolders: ~Copyable {
  /// The folder that they are in, a word of the command line.
  public let root: UnsafePointer<CChar>
  /// The bytes of the names of folders and images, with a zero byte behind each.
  public let nameByteCount: Int

  private let listing: DirectoryListing
  private let images: FolderImages

  /// The images in all folders.
  public var imageCount: Int { images.total }

  /// The number of folders.
  public var count: Int { listing.count }

  /// Finds the folders in `root` and their images, and tells of images whose formats are not read.
  public init(_ root: UnsafePointer<CChar>, _ tool: Tool) throws(PhotoFolderError) {
    var found = try DirectoryListing(root)
    try found.keep { name throws(PhotoFolderError) in
      if isForeignFolder(name) { return false }
      let path = try shared(Path(root, name))
      var status = stat()
      return stat(path.text, &status) == 0 && rn_is_directory(&status) != 0
    }
    guard found.count > 0 else { throw .noImages(root) }
    var lists = try FolderImages(folders: found.count)
    var others = OtherImages()
    var bytes = 0
    for index in 0..<found.count {
      let list = try PhotoFolders.findImages(root, found[index], &others)
      bytes += strlen(found[index]) + 1
      for image in 0..<list.count { bytes += strlen(list[image]) + 1 }
      lists.append(list)
    }
    others.tell(root, tool)
    self.root = root
    nameByteCount = bytes
    listing = found
    images = lists
  }

  // Embedded Swift destroys the parts of a value of another module only through a deinit of its own.
  deinit {}

  /// Checks that there are images in some folder.
  public func checkImages() throws(PhotoFolderError) {
    guard imageCount > 0 else { throw .noImages(root) }
  }

  /// The name of a folder, ended by a zero byte.
  public func name(_ index: Int) -> UnsafePointer<CChar> { listing[index] }

  /// The path of a folder.
  public func path(_ index: Int) throws(PhotoFolderError) -> Path {
    try shared(Path(root, listing[index]))
  }

  /// The number of images in a folder.
  public func imageCount(inFolder folder: Int) -> Int { images.lists[folder].count }

  /// The name of an image in a folder, ended by a zero byte.
  public func image(_ index: Int, inFolder folder: Int) -> UnsafePointer<CChar> {
    images.lists[folder][index]
  }

  private static func findImages(
    _ root: UnsafePointer<CChar>, _ name: UnsafePointer<CChar>, _ others: inout OtherImages
  ) throws(PhotoFolderError) -> DirectoryListing {
    let folder = try shared(Path(root, name))
    var images: DirectoryListing
    do throws(PhotoFolderError) {
      images = try DirectoryListing(folder.text)
    } catch {
      // The path of the folder ends here, and an error outlives it: name the root instead.
      guard case .folder(_, let code) = error else { throw error }
      throw .folder(root, errno: code)
    }
    try images.keep { name throws(PhotoFolderError) in
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
}

/// The images in each of some folders.
private struct FolderImages: ~Copyable {
  /// Of the folders so far.
  let lists: UnsafeMutablePointer<DirectoryListing>
  private(set) var total = 0
  private var count = 0

  init(folders: Int) throws(PhotoFolderError) {
    let byteCount = folders * MemoryLayout<DirectoryListing>.stride
    guard let memory = malloc(byteCount) else { throw .tool(.outOfMemory(bytes: byteCount)) }
    lists = memory.bindMemory(to: DirectoryListing.self, capacity: folders)
  }

  deinit {
    lists.deinitialize(count: count)
    free(lists)
  }

  mutating func append(_ list: consuming DirectoryListing) {
    total += list.count
    (lists + count).initialize(to: list)
    count += 1
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
  func tell(_ root: UnsafePointer<CChar>, _ tool: Tool) {
    guard count > 0 else { return }
    var line: TextLine = "\(root): left out \(count) images that are not JPEG or PNG, such as "
    line.append("*\(ImageName.suffix(example)): convert them")
    tool.complain(line)
  }
}

/// Does what may fail in every tool.
private func shared<Result: ~Copyable>(
  _ work: @autoclosure () throws(ToolFailure) -> Result
) throws(PhotoFolderError) -> Result {
  do throws(ToolFailure) {
    return try work()
  } catch {
    throw .tool(error)
  }
}
