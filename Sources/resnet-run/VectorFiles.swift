// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool
import ResNetRuntime

/// A file of little-endian float32 values.
extension OutputFile {
  fileprivate mutating func append(_ vector: UnsafeBufferPointer<Float>) throws(ToolFailure) {
    for value in vector {
      try withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes throws(ToolFailure) in
        try append(bytes)
      }
    }
  }
}

/// The files of features, logits and probabilities that the command line asks for.
struct VectorFiles: ~Copyable {
  private var features: OutputFile?
  private var logits: OutputFile?
  private var probabilities: OutputFile?

  /// Creates the files that are asked for, under temporary names.
  init(_ arguments: borrowing Arguments) throws(ToolFailure) {
    features = nil
    logits = nil
    probabilities = nil
    if let path = arguments.features { features = try OutputFile(path) }
    if let path = arguments.logits { logits = try OutputFile(path) }
    if let path = arguments.probabilities { probabilities = try OutputFile(path) }
  }

  /// Appends the results of the last image.
  mutating func append(_ classifier: borrowing TimedClassifier) throws(ToolFailure) {
    try features?.append(classifier.base.session.features)
    try logits?.append(classifier.base.session.logits)
    try probabilities?.append(classifier.base.probabilities())
  }

  /// Gives the files their names, once everything is written.
  mutating func publish() throws(ToolFailure) {
    try features?.close()
    try logits?.close()
    try probabilities?.close()
    try features?.publish()
    try logits?.publish()
    try probabilities?.publish()
  }
}
