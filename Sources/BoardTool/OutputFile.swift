// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
public import ResNetPlatform

/// A file that appears whole or not at all.
///
/// It gets its name from `publish`, and until then has none, where the file system has such files: nothing is left
/// of it however the process ends. Symbolic links are followed.
public struct OutputFile: ~Copyable {
  /// The final path.
  let path: UnsafePointer<CChar>
  private let output: OpaquePointer

  /// Begins the file.
  ///
  /// - Parameter path: the final path, a word of the command line.
  public init(_ path: UnsafePointer<CChar>) throws(ToolFailure) {
    guard let output = rn_output_open(path) else {
      throw rn_errno() == ENXIO ? .outputIsNotAFile(path) : .output(path, errno: rn_errno())
    }
    self.path = path
    self.output = output
  }

  deinit { rn_output_close(output) }

  /// The file descriptor, for text that is not to be mixed with ``append(_:)``.
  var descriptor: Int32 { fileno(rn_output_stream(output)) }

  /// Appends bytes.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(ToolFailure) {
    let written = fwrite(bytes.baseAddress, 1, bytes.count, rn_output_stream(output))
    guard written == bytes.count else { throw .output(path, errno: rn_errno()) }
  }

  /// Brings to the disk what was written, after which nothing more is.
  public mutating func close() throws(ToolFailure) { try check(rn_output_finish(output)) }

  /// What the closed file has, before anybody else can read it.
  public func contents() throws(ToolFailure) -> MappedFile {
    do throws(FileError) {
      return try MappedFile(descriptor: descriptor)
    } catch {
      guard case .system(let code) = error else { throw .output(path, errno: EIO) }
      throw .output(path, errno: code)
    }
  }

  /// Gives the closed file its final name, which the disk then has too.
  public mutating func publish() throws(ToolFailure) { try check(rn_output_publish(output)) }

  /// Gives the file its name with what was written, if no other has it, and does not wait for the disk.
  ///
  /// - Returns: Whether it got its name.
  public mutating func publishNew() throws(ToolFailure) -> Bool {
    let code = rn_output_publish_new(output)
    if code != EEXIST { try check(code) }
    return code == 0
  }

  private func check(_ code: Int32) throws(ToolFailure) {
    guard code == 0 else { throw .output(path, errno: code) }
  }
}
