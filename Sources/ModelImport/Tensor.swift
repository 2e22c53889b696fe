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

/// The number of elements in a tensor of `shape`, or nil if there are more than 64 dimensions, one is negative or
/// the product of the dimensions does not fit in `Int`, even where another dimension is 0.
package func elementCount(of shape: [Int]) -> Int? {
  guard shape.count <= ImportLimits.dimensions, shape.allSatisfy({ $0 >= 0 }) else { return nil }
  let count = shape.reduce(1) { product($0, max(1, $1)) }
  if count == .max { return nil }
  return shape.contains(0) ? 0 : count
}

/// The product of two counts, `Int.max` if it does not fit: no file has so many bytes.
func product(_ first: Int, _ second: Int) -> Int {
  let (product, overflowed) = first.multipliedReportingOverflow(by: second)
  return overflowed ? .max : product
}

/// The sum of two counts, `Int.max` if it does not fit.
func sum(_ first: Int, _ second: Int) -> Int {
  let (sum, overflowed) = first.addingReportingOverflow(second)
  return overflowed ? .max : sum
}
