// SPDX-License-Identifier: Apache-2.0

extension Session {
  /// Calls `body` with the logits of the last run, in the order of the classes.
  ///
  /// - **Allocates:** nothing.
  public func withLogits<Result: ~Copyable, Failure>(
    _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(logits.span)
  }

  /// Calls `body` with the pooled features of the last run: the vector before the classifier.
  ///
  /// - **Allocates:** nothing.
  public func withFeatures<Result: ~Copyable, Failure>(
    _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(features.span)
  }

  /// Writes the softmax of the logits or, of a single one, its sigmoid: the same bits on every CPU.
  ///
  /// - Parameter probabilities: room for at least as many numbers as there are classes; 0…1 each.
  /// - **Allocates:** nothing.
  public func probabilities(into probabilities: inout MutableSpan<Float>) {
    probabilities.withUnsafeMutableBufferPointer { self.probabilities(into: $0) }
  }
}
