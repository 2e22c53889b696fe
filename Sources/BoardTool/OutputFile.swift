// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
public import ResNetPlatform

/// A ``NewFile`` of the command line, whose errors have its path.
public struct OutputFile: ~Copyable {
  /// The final path.
  let path: UnsafePointer<CChar>
  private var file: NewFile

  /// Begins the file.
  ///
  /// - Parameter path: the final path, a word of the command line.
  public init(_ path: UnsafePointer<CChar>) throws(ToolFailure) {
    self.path = path
    file = try OutputFile.named(path) { () throws(FileError) in try NewFile(path) }
  }

  // Embedded Swift destroys the parts of a value of another module only through a deinit of its own.
  deinit {}

  /// The file descriptor, for text that is not to be mixed with ``append(_:)``.
  var descriptor: Int32 { file.descriptor }

  /// Appends bytes.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(ToolFailure) {
    try OutputFile.named(path) { () throws(FileError) in try file.append(bytes) }
  }

  /// Brings to the disk what was written, after which nothing more is.
  public mutating func close() throws(ToolFailure) {
    try OutputFile.named(path) { () throws(FileError) in try file.close() }
  }

  /// What the closed file has, before anybody else can read it.
  public func contents() throws(ToolFailure) -> MappedFile {
    try OutputFile.named(path) { () throws(FileError) in try file.contents() }
  }

  /// Gives the closed file its final name, which the disk then has too.
  public mutating func publish() throws(ToolFailure) {
    try OutputFile.named(path) { () throws(FileError) in try file.publish() }
  }

  /// Gives the file its name with what was written, if no other has it, and does not wait for the disk.
  ///
  /// - Returns: Whether it got its name.
  public mutating func publishNew() throws(ToolFailure) -> Bool {
    try OutputFile.named(path) { () throws(FileError) in try file.publishNew() }
  }

  private static func named<Result: ~Copyable>(
    _ path: UnsafePointer<CChar>, _ work: () throws(FileError) -> Result
  ) throws(ToolFailure) -> Result {
    do throws(FileError) {
      return try work()
    } catch {
      switch error {
      case .notARegularFile: throw .outputIsNotAFile(path)
      case .system(let code): throw .output(path, errno: code)
      case .empty, .noWriter, .tooLong: throw .output(path, errno: EIO)
      }
    }
  }
}
