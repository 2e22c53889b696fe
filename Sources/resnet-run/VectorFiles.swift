// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool
import ResNetPlanFormat
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

/// The files of features, logits, probabilities and other outputs that the command line asks for.
struct VectorFiles: ~Copyable {
  private var features: OutputFile?
  private var logits: OutputFile?
  private var probabilities: OutputFile?
  private var outputs: OutputFiles

  /// Creates the files that are asked for, under temporary names.
  init(
    _ arguments: borrowing Arguments, _ classifier: borrowing TimedClassifier
  ) throws(RunFailure) {
    let view = classifier.base.session.plan.view
    features = nil
    logits = nil
    probabilities = nil
    outputs = OutputFiles()
    if arguments.features != nil, view.featuresTensor == nil {
      throw .lacks(
        arguments.model, "features", for: "--features",
        OutputNames(view, 0..<view.outputCount))
    }
    if arguments.logits != nil { try requireLogits(classifier, arguments, for: "--logits") }
    if arguments.probabilities != nil {
      try requireLogits(classifier, arguments, for: "--probabilities")
    }
    try outputs.open(
      arguments.outputs, arguments.model, classifier.base.session.plan,
      images: arguments.images.count)
    if let path = arguments.features { features = try shared(OutputFile(path)) }
    if let path = arguments.logits { logits = try shared(OutputFile(path)) }
    if let path = arguments.probabilities { probabilities = try shared(OutputFile(path)) }
  }

  /// Appends the results of the last image.
  mutating func append(_ classifier: borrowing TimedClassifier) throws(ToolFailure) {
    try features?.append(classifier.base.session.features)
    try logits?.append(classifier.base.session.logits)
    try probabilities?.append(classifier.base.probabilities())
    try outputs.append(classifier.base.session)
  }

  /// Gives the files their names, once everything is written.
  mutating func publish() throws(ToolFailure) {
    try features?.close()
    try logits?.close()
    try probabilities?.close()
    try outputs.close()
    try features?.publish()
    try logits?.publish()
    try probabilities?.publish()
    try outputs.publish()
  }
}
