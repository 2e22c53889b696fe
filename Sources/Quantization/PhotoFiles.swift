// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import ResNetImages
import ResNetPlanFormat
import ResNetPlatform
import Synchronization

/// The files of a folder and its sub-folders that may be photos.
///
/// Links and other mounts are followed; a folder that is met twice, as through a link to what it is in, counts
/// once. Hidden names, which start with a dot, are left out, and so are folders that programs make for
/// themselves.
package struct PhotoFiles {
  /// The paths of what is named like a JPEG or PNG image, sorted by their names within each folder.
  package private(set) var photos: [String] = []
  /// How many files are named like images of formats that are not read, by format.
  private var others = [Int](repeating: 0, count: ImageName.otherCount)
  private var seen: Set<[UInt64]> = []

  package init() {}

  /// Searches a folder.
  ///
  /// - Parameter isDeep: whether sub-folders are searched.
  /// - Throws: a ``QuantizationError`` if a folder cannot be listed.
  package mutating func search(_ folder: String, isDeep: Bool = true) throws(QuantizationError) {
    if isDeep {
      var status = stat()
      guard stat(folder, &status) == 0,
        seen.insert([UInt64(status.st_dev), UInt64(status.st_ino)]).inserted
      else { return }
    }
    for name in try PhotoFiles.list(folder) {
      let path = join(folder, name)
      if isFolder(path) {
        if isDeep, !isForeignFolder(name) { try search(path) }
        continue
      }
      switch ImageName(name) {
      case .image: photos.append(path)
      case .other(let format): others[format] += 1
      // What cannot be named is told, as a photo that cannot be read: it may be a folder of photos.
      case .none: if name.unicodeScalars.contains("\u{FFFD}") { photos.append(path) }
      }
    }
  }

  /// How many files of which other formats there are, such as "3 .webp, 1 .heic"; nil if there are none.
  var otherFormats: String? {
    let counts = others.enumerated().filter { $0.element > 0 }
      .map { "\($0.element) \(ImageName.suffix($0.offset))" }
    return counts.isEmpty
      ? nil : "\(counts.joined(separator: ", ")) (not JPEG or PNG: convert them)"
  }

  /// The names in a folder that are not hidden, sorted.
  static func list(_ folder: String) throws(QuantizationError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder)
        .filter { !$0.hasPrefix(".") }.sorted()
    } catch {
      throw .folder(path: folder)
    }
  }
}

/// Whether a path names a folder, perhaps through links.
func isFolder(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// The path of an entry of a folder.
func join(_ folder: String, _ name: String) -> String {
  folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
}

/// Lets one photo of more than 16 Mi pixels be decoded at a time, whatever the number of threads.
private let largePhotoLock = Mutex(())

/// Does something with a photo and the bytes of its file.
///
/// - Throws: `QuantizationError.photo`, or `.system` if the photo is not to blame.
/// - **Allocates:** at most 48 MiB for the pixels of a photo on each thread, and those of one larger photo.
func withPhoto<Result>(
  _ path: String,
  _ body: (borrowing RGBImage, UnsafeRawBufferPointer) throws(ImageError) -> Result
) throws(QuantizationError) -> Result {
  do {
    let file = try MappedFile(path: path)
    do throws(ImageError) {
      return try body(RGBImage(encoded: file.bytes, maximumPixels: 1 << 24), file.bytes)
    } catch {
      guard case .tooLarge = error else { throw error }
    }
    var result: Result?
    try largePhotoLock.withLock { _ throws(ImageError) in
      result = try body(RGBImage(encoded: file.bytes), file.bytes)
    }
    return result!
  } catch {
    if isOfSystem(error) { throw .system(path: path, reason: words(for: error)) }
    // Foundation gives names that are no UTF-8 with U+FFFD, under which no file is found.
    let isNamed = !path.unicodeScalars.contains("\u{FFFD}")
    throw .photo(
      path: path, reason: words(for: error) + (isNamed ? "" : "; names are expected in UTF-8"))
  }
}

/// Whether the system lacks descriptors or memory, whatever the file.
private func isOfSystem(_ error: any Error) -> Bool {
  switch error {
  case FileError.system(let code), ImageError.file(.system(let code)):
    [EMFILE, ENFILE, ENOMEM].contains(code)
  case ImageError.outOfMemory: true
  default: false
  }
}

/// What `body` gives, or why a photo cannot be read: such a photo may be left out. Other errors are thrown.
func orUnreadable<Value>(
  _ body: () throws(QuantizationError) -> Value
) throws(QuantizationError) -> Result<Value, QuantizationError> {
  do throws(QuantizationError) {
    return .success(try body())
  } catch {
    guard case .photo = error else { throw error }
    return .failure(error)
  }
}

/// The pixels of a photo as a network sees them.
func photoPixels(
  _ path: String, _ preprocessing: PreprocessingRecord
) throws(QuantizationError) -> [UInt8] {
  try withPhoto(path) { (photo, _) throws(ImageError) in
    var pixels = [UInt8](repeating: 0, count: 3 * preprocessing.crop.area)
    var span = pixels.mutableSpan
    try preprocess(photo, as: preprocessing, into: &span)
    return pixels
  }
}
