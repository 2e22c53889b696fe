// SPDX-License-Identifier: Apache-2.0

package import Foundation

/// A folder of its own for a test, removed with the last reference.
package final class Scratch {
  package let url: URL

  package init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnet-run-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// The path of an entry.
  package func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// The names of the entries, sorted.
  package func names() throws -> [String] { try Folder.names(url.path) }

  /// The bytes of all files in it and its folders, by their paths.
  package func contents() throws -> [String: Data] {
    let paths = try FileManager.default.subpathsOfDirectory(atPath: url.path)
    return Dictionary(uniqueKeysWithValues: paths.map { ($0, (try? data($0)) ?? Data()) })
  }

  /// Makes a folder, and those above it, and returns its path.
  @discardableResult
  package func makeFolder(_ name: String) throws -> String {
    try FileManager.default.createDirectory(
      atPath: path(name), withIntermediateDirectories: true)
    return path(name)
  }

  /// Copies a file into the folder.
  package func copy(_ source: String, to name: String) throws {
    try makeFolder((name as NSString).deletingLastPathComponent)
    try FileManager.default.copyItem(atPath: source, toPath: path(name))
  }

  /// Writes an entry and returns its path.
  @discardableResult
  package func write(_ data: some DataProtocol, to name: String) throws -> String {
    try Data(data).write(to: URL(fileURLWithPath: path(name)))
    return path(name)
  }

  /// The bytes of an entry.
  package func data(_ name: String) throws -> Data { try Data(path: path(name)) }
}

extension Data {
  package init(path: String) throws { try self.init(contentsOf: URL(fileURLWithPath: path)) }

  /// The bytes as float32 numbers.
  package var floats: [Float] {
    withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }
}

package enum Folder {
  /// The names of the entries, sorted.
  package static func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }
}

/// Files of the repository.
package enum Repository {
  package static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The path of an example photo.
  package static func example(_ name: String) -> String {
    root.appendingPathComponent("Models/examples/\(name).jpg").path
  }
}
