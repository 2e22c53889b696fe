// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
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

  @Test func aPipeIsNoFileAndOpeningItDoesNotWait() throws {
    let path = folder.appendingPathComponent("pipe").path
    mkfifo(path, 0o600)
    #expect(throws: FileError.notARegularFile) { _ = try MappedFile(path: path).bytes.count }
  }

  @Test func aSocketIsNoFile() throws {
    let path = folder.appendingPathComponent("s").path
    let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let isBound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, size) }
    }
    try #require(isBound == 0)
    #expect(throws: FileError.notARegularFile) { _ = try MappedFile(path: path).bytes.count }
  }

  @Test(arguments: [1, 65536, 65537, 1_000_000]) func aPipeIsReadWhole(count: Int) throws {
    let path = folder.appendingPathComponent("pipe").path
    mkfifo(path, 0o600)
    let contents = Data((0..<count).map { UInt8(truncatingIfNeeded: $0 / 3) })
    let writer = Thread {
      try? FileHandle(forWritingTo: URL(fileURLWithPath: path)).write(contentsOf: contents)
    }
    writer.start()
    let found = try MappedFile(input: path)
    #expect(Data(found.bytes) == contents)
  }

  @Test func aFileIsMappedAlsoAsAnInput() throws {
    let found = try MappedFile(input: file(Data([1, 2])))
    #expect(Data(found.bytes) == Data([1, 2]))
  }

  @Test func wordsOfACommandLineArePartedAtZeroBytes() throws {
    let text: [CChar] = [97, 0, 0, 98, 99, 0]
    var words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    try #require(rn_split_words(text, text.count, &words) == 3)
    defer { free(words) }
    #expect((0..<3).map { String(cString: words![$0]!) } == ["a", "", "bc"])
    #expect(words![3] == nil)
  }
}
