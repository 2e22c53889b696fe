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

  /// What the value of `errno` says after `rn_open_read` or `rn_open_input`.
  fileprivate init(errno code: Int32) {
    switch code {
    case ENXIO: self = .notARegularFile
    case ETIMEDOUT: self = .noWriter
    default: self = .system(errno: code)
    }
  }

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

/// A file mapped read-only into memory, or a copy of bytes in pages of its own.
///
/// The pages of a file are shared with every other process that maps the same file and are read
/// when they are first touched. If another process shortens the file meanwhile, or if it cannot be read any
/// more, touching the lost pages raises SIGBUS, as with any mapping: replace files by renaming.
///
/// - **Allocates:** address space, no heap.
public struct MappedFile: ~Copyable {
  /// The contents; valid as long as this value lives.
  public let bytes: UnsafeRawBufferPointer
  /// Whether the pages are those of a file, which can be read again.
  private let isFile: Bool

  /// Maps the file at `path`.
  ///
  /// - Parameter isLoaded: whether it is read into pages of its own instead, which nobody else changes.
  public init(path: UnsafePointer<CChar>, isLoaded: Bool = false) throws(FileError) {
    var status = stat()
    try self.init(
      opened: rn_open_read(path, &status), byteCount: Int(status.st_size), isLoaded: isLoaded)
  }

  /// Maps the file that a descriptor reads, which stays open.
  public init(descriptor: Int32) throws(FileError) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(errno: rn_errno()) }
    guard status.st_size > 0 else { throw .empty }
    let count = Int(status.st_size)
    let start = try MappedFile.map(count, PROT_READ, MAP_PRIVATE, descriptor)
    self.init(bytes: UnsafeRawBufferPointer(start: start, count: count), isFile: true)
  }

  /// Maps or reads a file that was opened, or says why it was not, and closes it.
  private init(
    opened descriptor: Int32, byteCount count: Int, isLoaded: Bool = false
  ) throws(FileError) {
    guard descriptor >= 0 else { throw FileError(errno: rn_errno()) }
    defer { close(descriptor) }
    guard count > 0 else { throw .empty }
    guard !isLoaded else {
      try self.init(reading: descriptor, limit: count)
      return
    }
    let start = try MappedFile.map(count, PROT_READ, MAP_PRIVATE, descriptor)
    self.init(bytes: UnsafeRawBufferPointer(start: start, count: count), isFile: true)
  }

  /// Copies bytes, at least one, into pages of its own.
  public init(copying bytes: UnsafeRawBufferPointer) throws(FileError) {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    let start = try MappedFile.map(bytes.count, PROT_READ | PROT_WRITE, flags, -1)
    start.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
    self.init(bytes: UnsafeRawBufferPointer(start: start, count: bytes.count), isFile: false)
  }

  private init(bytes: UnsafeRawBufferPointer, isFile: Bool) {
    self.bytes = bytes
    self.isFile = isFile
  }

  private init(reading descriptor: Int32, limit: Int) throws(FileError) {
    var start: UnsafeMutableRawPointer?
    var count = 0
    let code = rn_read_all(descriptor, limit, &start, &count)
    switch code {
    case 0: self.init(bytes: UnsafeRawBufferPointer(start: start, count: count), isFile: false)
    case ENODATA: throw .empty
    case EFBIG: throw .tooLong(limit: limit)
    default: throw .system(errno: code)
    }
  }

  private static func map(
    _ count: Int, _ protection: Int32, _ flags: Int32, _ descriptor: Int32
  ) throws(FileError) -> UnsafeMutableRawPointer {
    let start = mmap(nil, count, protection, flags, descriptor, 0)
    guard let start, Int(bitPattern: start) != -1 else { throw .system(errno: rn_errno()) }
    return start
  }

  /// Maps the file at `path`, or reads a pipe or, if `path` is "-" or "/dev/stdin", standard input, into memory.
  ///
  /// A pipe with a name gets 10 seconds for its writer to come; what it brings, and standard input, may have
  /// 256 MiB.
  ///
  /// - Throws: as ``init(path:)``, `noWriter`, `tooLong`.
  /// - **Allocates:** pages for what comes from a pipe.
  public init(input path: UnsafePointer<CChar>) throws(FileError) {
    var status = stat()
    let descriptor = rn_open_input(path, UInt32(FileError.writerSeconds), &status)
    guard descriptor >= 0 else { throw FileError(errno: rn_errno()) }
    if rn_is_standard_input(path) == 0, rn_is_regular_file(&status) != 0 {
      try self.init(opened: descriptor, byteCount: Int(status.st_size))
      return
    }
    defer { close(descriptor) }
    try self.init(reading: descriptor, limit: 1 << 28)
  }

  /// Lets go of the pages of a file in memory; those that are touched again are read again. A copy stays.
  public func dropPages() {
    guard isFile else { return }
    _ = madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count, MADV_DONTNEED)
  }

  deinit {
    munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count)
  }
}
