// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages
import ResNetPhotoTool
import ResNetPlatform

/// Writes frames as JPEG files into a folder, numbered on from those that are there.
struct FrameSaver: ~Copyable {
  /// The folder, a word of the command line.
  private let folder: UnsafePointer<CChar>
  /// Of the last file; its digits change.
  private let path: Path
  private var number = 0

  /// A file's name, before its number is known.
  private static var name: StaticString { "000000000.jpg" }

  /// Makes the folder, and the one that it is in, if they are not there.
  init(_ folder: UnsafePointer<CChar>) throws(RunFailure) {
    let code = rn_make_folder(folder)
    guard code == 0 else { throw .save(folder, errno: code) }
    let path = try shared(Path(folder, FrameSaver.name.cString))
    let names: DirectoryListing
    do throws(PhotoFolderError) {
      names = try DirectoryListing(folder)
    } catch {
      throw .folders(error)
    }
    var number = 0
    for index in 0..<names.count {
      var end: UnsafeMutablePointer<CChar>?
      let found = strtol(names[index], &end, 10)
      if strcmp(end!, (".jpg" as StaticString).cString) == 0, 0..<999_999_999 ~= found {
        number = max(number, found)
      }
    }
    self.path = path
    self.folder = folder
    self.number = number
  }

  // Embedded Swift destroys the parts of a value of another module only through a deinit of its own.
  deinit {}

  /// Writes an image.
  mutating func save(_ image: borrowing RGBImage) throws(RunFailure) {
    let code = try image.withJPEG { (bytes) throws(RunFailure) in
      try save(encoded: bytes)
    }
    guard code == 0 else { throw .save(folder, errno: code) }
  }

  /// Writes a JPEG file as it is, with the next number that is free: somebody else may save there too.
  mutating func save(encoded bytes: UnsafeRawBufferPointer) throws(RunFailure) {
    repeat {
      guard number < 999_999_999 else { throw .save(folder, errno: EOVERFLOW) }
      number += 1
      setName()
    } while try !write(bytes)
  }

  private func setName() {
    let digits = path.text + (strlen(path.text) - FrameSaver.name.utf8CodeUnitCount)
    var rest = number
    for place in stride(from: 8, through: 0, by: -1) {
      digits[place] = CChar(0x30 + rest % 10)
      rest /= 10
    }
  }

  /// Returns whether the name was free.
  private func write(_ bytes: UnsafeRawBufferPointer) throws(RunFailure) -> Bool {
    do throws(ToolFailure) {
      var file = try OutputFile(path.text)
      try file.append(bytes)
      return try file.publishNew()
    } catch {
      throw failure(error)
    }
  }

  /// A failure outlives the path of its file: it names the folder.
  private func failure(_ failure: ToolFailure) -> RunFailure {
    switch failure {
    case .output(_, let code): .save(folder, errno: code)
    case .outputIsNotAFile: .save(folder, errno: EEXIST)
    default: .tool(failure)
    }
  }
}
