// SPDX-License-Identifier: Apache-2.0

/// A linear classifier on a network's features: the last layer of a plan.
///
/// - **Allocates:** nothing; it points into the memory of whoever taught it.
public struct LinearHead {
  /// `[classes][features]`.
  public let weights: UnsafeBufferPointer<Float>
  /// `[classes]`.
  public let bias: UnsafeBufferPointer<Float>
  /// The directions of the mean features of each class, `[classes][features]`, of unit length; empty if strangers
  /// were not asked for.
  public let classDirections: UnsafeBufferPointer<Float>

  /// The number of classes.
  public var classCount: Int { bias.count }
  /// The number of features.
  public var featureCount: Int { weights.count / bias.count }

  package init(
    weights: UnsafeBufferPointer<Float>, bias: UnsafeBufferPointer<Float>,
    classDirections: UnsafeBufferPointer<Float>
  ) {
    self.weights = weights
    self.bias = bias
    self.classDirections = classDirections
  }
}
