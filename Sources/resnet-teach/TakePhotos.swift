// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages
import ResNetPhotoTool
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime
import ResNetTeaching

/// What was done with the photos of the folders.
struct TakenPhotos {
  /// Photos whose features were computed.
  var computed = 0
  /// Photos whose features had been kept.
  var known = 0
  /// Of these, photos that had another class.
  var moved = 0
  /// Photos that cannot be read.
  var unreadable = 0
  /// How long computing took, decoding included, in nanoseconds.
  var time: Int64 = 0
}

/// Adds the photos of the folders to a table.
///
/// A photo that was kept from before is not computed again; the folder that it is in now tells its class.
func takePhotos(
  _ folders: borrowing PhotoFolders, _ classifier: inout Classifier,
  _ table: inout PhotoTable, isFlipped: Bool
) throws(TeachFailure) -> TakenPhotos {
  var taken = TakenPhotos()
  var progress = Progress()
  let (start, total) = (rn_monotonic_ns(), folders.imageCount)
  for folder in 0..<folders.count {
    let label = table.addClass(folders.name(folder))
    let path = try ofFolders(folders.path(folder))
    for index in 0..<folders.imageCount(inFolder: folder) {
      let name = folders.image(index, inFolder: folder)
      let image = try shared(Path(path.text, name))
      do throws(ImageError) {
        try take(
          image.text, name, label, &classifier, &table, isFlipped: isFlipped, &taken)
      } catch {
        guard !isOfSystem(error) else { throw .system(folders.root, "\(error)") }
        progress.clear()
        tool.complain("\(image.text): \(error); left out")
        taken.unreadable += 1
      }
      progress.show {
        "\(taken.computed + taken.known + taken.unreadable) of \(total) photos"
      }
    }
  }
  progress.clear()
  if taken.moved > 0 {
    tool.complain("\(taken.moved) photos of the kept features have another class now")
  }
  taken.time = rn_monotonic_ns() - start
  return taken
}

private func take(
  _ path: UnsafePointer<CChar>, _ name: UnsafePointer<CChar>, _ label: Int,
  _ classifier: inout Classifier, _ table: inout PhotoTable, isFlipped: Bool,
  _ taken: inout TakenPhotos
) throws(ImageError) {
  let file: MappedFile
  do throws(FileError) {
    file = try MappedFile(path: path)
  } catch {
    throw .file(error)
  }
  let digest = sha256Digest(file.bytes)
  switch table.match(digest, name, label: label) {
  case .new: break
  case .known(let isMoved):
    taken.known += 1
    if isMoved { taken.moved += 1 }
    return
  case .copied:
    taken.known += 1
    return
  }
  try classifier.prepare(RGBImage(encoded: file.bytes))
  let features = table.add(name, label: label, digest)
  classifier.run()
  let count = classifier.session.features.count
  features.baseAddress!.update(from: classifier.session.features.baseAddress!, count: count)
  if isFlipped {
    mirror(classifier.pixels, classifier.session.plan.imageSize)
    classifier.run()
    (features.baseAddress! + count).update(
      from: classifier.session.features.baseAddress!, count: count)
  }
  taken.computed += 1
}

/// Turns the rows of an image around.
private func mirror(_ pixels: UnsafeMutableBufferPointer<UInt8>, _ size: ImageSize) {
  for row in 0..<size.height {
    let (first, last) = (row * size.width, (row + 1) * size.width - 1)
    for column in 0..<size.width / 2 {
      for channel in 0..<3 {
        pixels.swapAt(3 * (first + column) + channel, 3 * (last - column) + channel)
      }
    }
  }
}

/// Whether the system lacks descriptors or memory, whatever the file.
private func isOfSystem(_ error: ImageError) -> Bool {
  switch error {
  case .file(.system(let code)): code == EMFILE || code == ENFILE || code == ENOMEM
  case .outOfMemory: true
  default: false
  }
}
