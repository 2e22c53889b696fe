// SPDX-License-Identifier: Apache-2.0

/// A named tensor's contents as a checkpoint holds them, widened to float32.
///
/// Values are in row-major order: the last dimension varies fastest. A convolution's weights
/// have the shape `[output channels, input channels, height, width]`, a classifier's
/// `[outputs, inputs]`. An empty shape is a scalar with one value.
public struct Tensor: Equatable, Sendable {
  /// The extent of each dimension, 0 or greater.
  public let shape: [Int]

  /// The values, as many as the product of `shape`.
  public let values: [Float]

  /// Makes a tensor of `shape`, which must have as many elements as there are `values`.
  public init(shape: [Int], values: [Float]) {
    precondition(
      elementCount(of: shape) == values.count, "shape \(shape) does not hold \(values.count) values"
    )
    self.shape = shape
    self.values = values
  }
}

/// The number of elements in a tensor of `shape`, or nil if a dimension is negative or the
/// product of the dimensions does not fit in `Int`, even where another dimension is 0.
package func elementCount(of shape: [Int]) -> Int? {
  var product = 1
  var isEmpty = false
  for dimension in shape {
    guard dimension >= 0 else { return nil }
    if dimension == 0 {
      isEmpty = true
      continue
    }
    let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
    if overflow { return nil }
    product = next
  }
  return isEmpty ? 0 : product
}
