// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlatform

/// A file that appears whole or not at all.
///
/// What is written goes to a file of a unique name in the same directory, which `publish` renames. Without
/// that, nothing is left behind.
public struct OutputFile: ~Copyable {
  /// The final path.
  let path: UnsafePointer<CChar>
  private let temporary: Path
  private var stream: UnsafeMutablePointer<FILE>?
  private var isTemporary = true

  /// Creates the file.
  ///
  /// - Parameter path: the final path, a word of the command line.
  public init(_ path: UnsafePointer<CChar>) throws(ToolFailure) {
    // Renaming over a device such as /dev/null would replace it.
    var status = stat()
    if stat(path, &status) == 0 && rn_is_regular_file(&status) == 0 {
      throw .outputIsNotAFile(path)
    }
    let name = try Path(path, suffix: ".XXXXXX")
    let descriptor = rn_create_unique(name.text)
    guard descriptor >= 0 else { throw .output(path, errno: rn_errno()) }
    stream = fdopen(descriptor, ("w" as StaticString).cString)
    if stream == nil {
      let code = rn_errno()
      CResNetPlatform.close(descriptor)
      unlink(name.text)
      throw .output(path, errno: code)
    }
    self.path = path
    temporary = name
  }

  deinit {
    if let stream { fclose(stream) }
    if isTemporary { unlink(temporary.text) }
  }

  /// The file descriptor, for text that is not to be mixed with ``append(_:)``.
  var descriptor: Int32 { fileno(stream!) }

  /// Appends bytes.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(ToolFailure) {
    guard fwrite(bytes.baseAddress, 1, bytes.count, stream!) == bytes.count else {
      throw .output(path, errno: rn_errno())
    }
  }

  /// Writes out what is still in memory.
  public mutating func close() throws(ToolFailure) {
    let failed = fclose(stream!) != 0
    stream = nil
    if failed { throw .output(path, errno: rn_errno()) }
  }

  /// Gives the closed file its final name.
  public mutating func publish() throws(ToolFailure) {
    guard rename(temporary.text, path) == 0 else { throw .output(path, errno: rn_errno()) }
    isTemporary = false
  }
}
