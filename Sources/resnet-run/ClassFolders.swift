// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages
import ResNetPhotoTool
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

/// The folders of a validation set and the classes that they stand for.
struct ClassFolders: ~Copyable {
  private let folders: PhotoFolders
  private let classes: Buffer<Int>

  /// The number of folders.
  var count: Int { folders.count }

  /// How many images there are in all folders.
  var imageCount: Int { folders.imageCount }

  /// Finds the folders in `root`, a word of the command line, and matches them to the plan's classes.
  init(_ root: UnsafePointer<CChar>, _ plan: borrowing Plan) throws(RunFailure) {
    let found = try ofFolders(PhotoFolders(root, tool))
    let matches = try ClassFolders.match(found, plan)
    try ofFolders(found.checkImages())
    classes = matches
    folders = found
  }

  /// The path of a folder.
  func path(_ index: Int) throws(RunFailure) -> Path { try ofFolders(folders.path(index)) }

  /// The class that a folder stands for.
  func label(_ index: Int) -> Int { classes.elements[index] }

  /// The number of images in a folder.
  func imageCount(inFolder folder: Int) -> Int { folders.imageCount(inFolder: folder) }

  /// The name of an image in a folder.
  func image(_ index: Int, inFolder folder: Int) -> UnsafePointer<CChar> {
    folders.image(index, inFolder: folder)
  }

  private static func match(
    _ folders: borrowing PhotoFolders, _ plan: borrowing Plan
  ) throws(RunFailure) -> Buffer<Int> {
    let labels = try shared(Buffer<Int>(count: folders.count))
    let names = plan.view.className(0)?.baseAddress.map {
      UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self)
    }
    do throws(FolderMismatch) {
      let areNamed = try matchFolders(
        { folders.name($0) }, toClasses: names, count: plan.classCount, labels: labels.elements)
      if !areNamed {
        var line: TextLine =
          "\(folders.root): no folder is named after a class; taking them, sorted,"
        line.append(" for the classes in order")
        tool.complain(line)
      }
      return labels
    } catch {
      throw .classes(folders.root, error)
    }
  }
}

/// Does what may fail with folders of photos.
private func ofFolders<Result: ~Copyable>(
  _ work: @autoclosure () throws(PhotoFolderError) -> Result
) throws(RunFailure) -> Result {
  do throws(PhotoFolderError) {
    return try work()
  } catch {
    throw .folders(error)
  }
}
