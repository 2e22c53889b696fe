// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetPlatform
import Testing

@Suite final class MappedFileTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// The path of a new file.
  private func file(_ contents: Data) throws -> String {
    let file = folder.appendingPathComponent("file")
    try contents.write(to: file)
    return file.path
  }

  @Test func theContentsAreMappedAndDroppedPagesComeBack() throws {
    let contents = Data((0..<10_000).map { UInt8(truncatingIfNeeded: $0 * 7) })
    let mapping = try MappedFile(path: file(contents))
    #expect(Data(mapping.bytes) == contents)
    #expect(Int(bitPattern: mapping.bytes.baseAddress) % 64 == 0)
    mapping.dropPages()
    #expect(Data(mapping.bytes) == contents)
  }

  @Test func otherFilesAreRefused() throws {
    let missing = folder.appendingPathComponent("missing").path
    for (path, error) in [
      (missing, .system(errno: ENOENT)), (folder.path, .notARegularFile),
      ("/dev/null", .notARegularFile), (try file(Data()), .empty),
    ] as [(String, FileError)] {
      #expect(throws: error) { _ = try MappedFile(path: path).bytes.count }
    }
    var line = TextLine()
    FileError.system(errno: ENOENT).describe(to: &line)
    #expect(String(line) == "No such file or directory")
  }
}
