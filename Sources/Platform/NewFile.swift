// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// A file that appears whole or not at all.
///
/// It gets its name from ``publish()``, and until then has none, where the file system has such files: nothing is left
/// of it however the process ends, but in the moment in which it takes the place of another file. Symbolic links are
/// followed.
///
/// - **Allocates:** a buffer for what is written.
public struct NewFile: ~Copyable {
  private let output: OpaquePointer

  /// Begins the file.
  ///
  /// - Parameter path: the final path, a `String` or, in Embedded Swift, a text ended by a zero byte.
  /// - Throws: ``FileError/notARegularFile`` if `path` names what no file can replace,
  ///   ``FileError/system(errno:)``, as all that follows.
  public init(_ path: UnsafePointer<CChar>) throws(FileError) {
    guard let output = rn_output_open(path) else {
      throw rn_errno() == ENXIO ? .notARegularFile : .system(errno: rn_errno())
    }
    self.output = output
  }

  deinit { rn_output_close(output) }

  /// The file descriptor, for text that is not to be mixed with ``append(_:)``.
  public var descriptor: Int32 { fileno(rn_output_stream(output)) }

  /// Appends bytes.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    let written = fwrite(bytes.baseAddress, 1, bytes.count, rn_output_stream(output))
    guard written == bytes.count else { throw .system(errno: rn_errno()) }
  }

  /// Brings to the disk what was written, after which nothing more is.
  public mutating func close() throws(FileError) { try check(rn_output_finish(output)) }

  /// What the closed file has, before anybody else can read it.
  public func contents() throws(FileError) -> MappedFile { try MappedFile(descriptor: descriptor) }

  /// Gives the closed file its final name, which the disk then has too.
  public mutating func publish() throws(FileError) { try check(rn_output_publish(output)) }

  /// Gives the file its name with what was written, if no other has it, and does not wait for the disk.
  ///
  /// - Returns: Whether it got its name.
  public mutating func publishNew() throws(FileError) -> Bool {
    let code = rn_output_publish_new(output)
    if code != EEXIST { try check(code) }
    return code == 0
  }

  private func check(_ code: Int32) throws(FileError) {
    guard code == 0 else { throw .system(errno: code) }
  }
}
