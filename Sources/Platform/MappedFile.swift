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
  /// A pipe with a name got no writer in some time.
  case noWriter
  /// A pipe brings more bytes than are read into memory.
  case tooLong(limit: Int)

  /// How long a pipe with a name waits for its writer.
  public static var writerSeconds: Int { 10 }

  /// Appends what happened, without the path, which the caller knows.
  public func describe(to line: inout TextLine) {
    switch self {
    case .system(let code): line.append("\(errno: code)")
    case .notARegularFile: line.append("expected a regular file")
    case .empty: line.append("the file is empty")
    case .noWriter:
      line.append("expected a program that writes to this pipe within \(FileError.writerSeconds)")
      line.append(" seconds, found none")
    case .tooLong(let limit): line.append("expected at most \(limit) bytes, found more")
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
    // Sockets cannot be opened at all.
    guard descriptor >= 0 else {
      throw rn_errno() == ENXIO ? .notARegularFile : .system(errno: rn_errno())
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(errno: rn_errno()) }
    guard rn_is_regular_file(&status) != 0 else { throw .notARegularFile }
    let count = Int(status.st_size)
    guard count > 0 else { throw .empty }
    guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      Int(bitPattern: start) != -1
    else { throw .system(errno: rn_errno()) }
    self.init(bytes: UnsafeRawBufferPointer(start: start, count: count))
  }

  private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Maps the file at `path`, or reads a pipe or, if `path` is "-" or "/dev/stdin", standard input, into memory.
  ///
  /// A pipe with a name gets 10 seconds for its writer to come; what it brings, and standard input, may have
  /// 256 MiB.
  ///
  /// - Throws: as ``init(path:)``, `noWriter`, `tooLong`.
  /// - **Allocates:** pages for what comes from a pipe.
  public init(input path: UnsafePointer<CChar>) throws(FileError) {
    var status = stat()
    guard rn_is_standard_input(path) != 0 || (stat(path, &status) == 0 && rn_is_pipe(&status) != 0)
    else {
      try self.init(path: path)
      return
    }
    let limit = 1 << 28
    let descriptor = rn_open_input(path, UInt32(FileError.writerSeconds))
    guard descriptor >= 0 else {
      throw rn_errno() == ETIMEDOUT ? .noWriter : .system(errno: rn_errno())
    }
    defer { close(descriptor) }
    var start: UnsafeMutableRawPointer?
    var count = 0
    let code = rn_read_all(descriptor, limit, &start, &count)
    switch code {
    case 0: self.init(bytes: UnsafeRawBufferPointer(start: start, count: count))
    case ENODATA: throw .empty
    case EFBIG: throw .tooLong(limit: limit)
    default: throw .system(errno: code)
    }
  }

  /// Lets go of the pages of a file in memory; those that are touched again are read again.
  public func dropPages() {
    _ = madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count, MADV_DONTNEED)
  }

  deinit {
    munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count)
  }
}
