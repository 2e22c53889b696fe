// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import ResNetModelGraph
import ResNetPlatform

/// The files beside an ONNX model that hold its tensors' elements.
///
/// A model names them by paths below its own folder. Other paths are refused, and so are links that lead out of that
/// folder, or out of the one in which the model really is if it is a link itself.
final class ONNXExternalData {
  private final class Opened {
    let location: String
    let file: MappedFile
    init(_ location: String, _ path: String) throws(ImportError) {
      self.location = location
      file = try map(path)
    }
  }

  private let folder: String
  private let allowed: [String]
  private var opened: Opened?
  /// The files that were opened.
  private(set) var paths: Set<String> = []

  init(of path: String) {
    let place = path.lastIndex(of: "/")
    folder = place.map { String(path[...$0]) } ?? "./"
    allowed = [Self.real(folder), Self.real(path).flatMap(Self.folder(of:))].compactMap { $0 }
  }

  /// The elements of a tensor, which must have so many bytes; valid until the next call. `budget` gets to know each
  /// file.
  func bytes(of tensor: Onnx_TensorProto, byteCount: Int, _ budget: inout DecodedBytes)
    throws(ImportError) -> UnsafeRawBufferPointer
  {
    var location = ""
    var numbers = ["offset": 0, "length": byteCount]
    for entry in tensor.externalData {
      if entry.key == "location" { location = entry.value }
      if numbers[entry.key] != nil { numbers[entry.key] = Int(entry.value) ?? -1 }
    }
    let file = try open(location, tensor.name, &budget)
    let (offset, length) = (numbers["offset"] ?? -1, numbers["length"] ?? -1)
    guard length == byteCount else {
      throw .byteCountMismatch(tensor: tensor.name, expected: byteCount, found: length)
    }
    guard offset >= 0, offset <= file.count, length <= file.count - offset else {
      throw .malformed(
        part: "external data of tensor \(quoted(tensor.name))", offset: max(0, offset),
        expected: "\(length) bytes", found: "a file of \(file.count)")
    }
    return UnsafeRawBufferPointer(rebasing: file[offset..<offset + length])
  }

  private func open(
    _ location: String, _ tensor: String, _ budget: inout DecodedBytes
  ) throws(ImportError) -> UnsafeRawBufferPointer {
    if let opened, opened.location == location { return opened.file.bytes }
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard location.utf8.count <= 1000, !location.utf8.contains(0),
      parts.allSatisfy({ !["", ".", ".."].contains($0) })
    else { throw .foreignData(tensor: tensor, location: location) }
    let path = folder + location
    guard let real = Self.real(path) else {
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    guard allowed.contains(where: { real.hasPrefix($0) }) else {
      throw .foreignData(tensor: tensor, location: location)
    }
    var status = stat()
    // A FIFO would be waited for.
    guard stat(real, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw .unreadable(path: path, reason: "expected a regular file")
    }
    let file = try Opened(location, real)
    opened = file
    if paths.insert(real).inserted { budget.add(fileBytes: file.file.bytes.count) }
    return file.file.bytes
  }

  /// The path without links; nil if there is no such file.
  private static func real(_ path: String) -> String? {
    guard let text = realpath(path, nil) else { return nil }
    defer { free(text) }
    var result = String(cString: text)
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, result != "/" { result += "/" }
    return result
  }

  private static func folder(of file: String) -> String? {
    file.lastIndex(of: "/").map { String(file[...$0]) }
  }
}
