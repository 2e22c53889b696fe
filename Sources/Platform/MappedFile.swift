// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// Why a file could not be mapped.
public enum FileError: Error, Equatable, TextDescribable {
  /// The system refused to open or map the file; the value is `errno`.
  case system(errno: Int32)
  /// The path names something other than a regular file.
  case notARegularFile
  /// The file has no bytes.
  case empty

  /// Appends what happened, without the path, which the caller knows.
  public func describe(to line: inout TextLine) {
    switch self {
    case .system(let code): line.append("\(errno: code)")
    case .notARegularFile: line.append("expected a regular file")
    case .empty: line.append("the file is empty")
    }
  }
}

/// A file mapped read-only into memory.
///
/// Its pages are shared with every other process that maps the same file and are read
/// when they are first touched. If another process shortens the file meanwhile, touching the
/// lost pages raises SIGBUS, as with any mapping: replace files by renaming.
///
/// - **Allocates:** address space, no heap.
public struct MappedFile: ~Copyable {
  /// The contents; valid as long as this value lives.
  public let bytes: UnsafeRawBufferPointer

  /// Maps the file at `path`.
  public init(path: UnsafePointer<CChar>) throws(FileError) {
    let descriptor = rn_open_read(path)
    guard descriptor >= 0 else { throw .system(errno: rn_errno()) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(errno: rn_errno()) }
    guard rn_is_regular_file(&status) != 0 else { throw .notARegularFile }
    let count = Int(status.st_size)
    guard count > 0 else { throw .empty }
    guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      Int(bitPattern: start) != -1
    else { throw .system(errno: rn_errno()) }
    bytes = UnsafeRawBufferPointer(start: start, count: count)
  }

  /// Lets go of the pages in memory; those that are touched again are read again.
  public func dropPages() {
    _ = madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count, MADV_DONTNEED)
  }

  deinit {
    munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count)
  }
}
