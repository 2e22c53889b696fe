// SPDX-License-Identifier: Apache-2.0

import CPlatform

/// A file of little-endian float32 values that appears whole or not at all.
///
/// The values go to a file of a unique name in the same directory, which `publish` renames. Without
/// that, nothing is left behind.
struct VectorFile: ~Copyable {
  private let path: UnsafePointer<CChar>
  private let temporary: Path
  private var stream: UnsafeMutablePointer<FILE>?
  private var isTemporary = true

  /// Creates the file.
  ///
  /// - Parameter path: the final path, a word of the command line.
  init(_ path: UnsafePointer<CChar>) throws(RunError) {
    // Renaming over a device such as /dev/null would replace it.
    var status = stat()
    if stat(path, &status) == 0 && rn_is_regular_file(&status) == 0 {
      throw .outputIsNotAFile(path)
    }
    let name = try Path(path, suffix: ".XXXXXX")
    let descriptor = rn_create_unique(name.text)
    guard descriptor >= 0 else { throw .output(path, errno: rn_errno()) }
    let mode: StaticString = "w"
    stream = fdopen(
      descriptor, UnsafeRawPointer(mode.utf8Start).assumingMemoryBound(to: CChar.self))
    if stream == nil {
      let code = rn_errno()
      CPlatform.close(descriptor)
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

  /// Appends the values of one image.
  mutating func append(_ vector: UnsafeBufferPointer<Float>) throws(RunError) {
    for value in vector {
      var bits = value.bitPattern.littleEndian
      guard fwrite(&bits, 4, 1, stream!) == 1 else { throw .output(path, errno: rn_errno()) }
    }
  }

  /// Writes out what is still in memory.
  mutating func close() throws(RunError) {
    let failed = fclose(stream!) != 0
    stream = nil
    if failed { throw .output(path, errno: rn_errno()) }
  }

  /// Gives the closed file its final name.
  mutating func publish() throws(RunError) {
    guard rename(temporary.text, path) == 0 else { throw .output(path, errno: rn_errno()) }
    isTemporary = false
  }
}
