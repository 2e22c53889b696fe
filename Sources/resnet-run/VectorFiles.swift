// SPDX-License-Identifier: Apache-2.0

import BoardTool
import ResNetRuntime

/// A file of little-endian float32 values.
extension OutputFile {
  fileprivate mutating func append(_ vector: UnsafeBufferPointer<Float>) throws(RunError) {
    for value in vector {
      try withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes throws(RunError) in
        try append(bytes)
      }
    }
  }
}

/// The files of features and logits that the command line asks for.
struct VectorFiles: ~Copyable {
  private var features: OutputFile?
  private var logits: OutputFile?

  /// Creates the files that are asked for, under temporary names.
  init(_ arguments: borrowing Arguments) throws(RunError) {
    features = nil
    logits = nil
    if let path = arguments.features { features = try OutputFile(path) }
    if let path = arguments.logits { logits = try OutputFile(path) }
  }

  /// Appends the results of a session.
  mutating func append(_ session: borrowing Session) throws(RunError) {
    try features?.append(session.features)
    try logits?.append(session.logits)
  }

  /// Gives the files their names, once everything is written.
  mutating func publish() throws(RunError) {
    try features?.close()
    try logits?.close()
    try features?.publish()
    try logits?.publish()
  }
}
