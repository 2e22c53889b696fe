// SPDX-License-Identifier: Apache-2.0

extension Session {
  /// Calls `body` with the logits of an image of the last run, in the order of the classes.
  ///
  /// - Parameters:
  ///   - image: its place among the images of the run, below ``imageCount``.
  ///   - body: is given one number for each class.
  /// - **Allocates:** nothing.
  public func withLogits<Result: ~Copyable, Failure>(
    ofImage image: Int = 0, _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(logits(ofImage: image).span)
  }

  /// Calls `body` with the pooled features of an image of the last run: the vector before the classifier.
  ///
  /// - Parameters:
  ///   - image: its place among the images of the run, below ``imageCount``.
  ///   - body: is given ``Plan/featureCount`` numbers.
  /// - **Allocates:** nothing.
  public func withFeatures<Result: ~Copyable, Failure>(
    ofImage image: Int = 0, _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(features(ofImage: image).span)
  }

  /// Writes the softmax of the logits or, of a single one, its sigmoid: the same bits on every CPU.
  ///
  /// - Parameters:
  ///   - image: its place among the images of the run, below ``imageCount``.
  ///   - probabilities: room for at least as many numbers as there are classes; 0…1 each.
  /// - **Allocates:** nothing.
  public func probabilities(
    ofImage image: Int = 0, into probabilities: inout MutableSpan<Float>
  ) {
    probabilities.withUnsafeMutableBufferPointer { self.probabilities(ofImage: image, into: $0) }
  }
}
