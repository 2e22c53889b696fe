// SPDX-License-Identifier: Apache-2.0

/// Which elements of a storage a tensor shows, in PyTorch's terms.
///
/// Element `(i, j, …)` is number `offset + i * strides[0] + j * strides[1] + …` of the storage.
struct StridedView: Hashable {
  var offset: Int
  var shape: [Int]
  /// As many as there are dimensions, each 0 or greater.
  var strides: [Int]

  /// True if the elements follow one another in row-major order. The stride of a dimension of
  /// one element is never used, so it does not matter.
  var isContiguous: Bool {
    var expected = 1
    for (dimension, stride) in zip(shape, strides).reversed() where dimension != 1 {
      if stride != expected { return false }
      // The view was checked against its storage, so this product cannot overflow.
      expected *= dimension
    }
    return true
  }

  /// The greatest element number the view reaches, `Int.max` if it cannot be counted; the view must
  /// have at least one element.
  var lastElement: Int {
    zip(shape, strides).reduce(offset) { sum($0, product($1.0 - 1, $1.1)) }
  }

  /// The elements that the view shows, in row-major order, as `element` makes them of their places in the storage.
  ///
  /// The view must have been checked: none of these places is beyond the storage.
  @inline(__always)
  func gather(_ element: (Int) -> Float) -> [Float] {
    // The stride of a dimension of one element is never used: it can be a number that no sum holds.
    let axes = zip(shape, strides).filter { $0.0 != 1 }
    let count = shape.reduce(1, *)
    return [Float](unsafeUninitializedCapacity: count) { result, initialized in
      // An odometer over the coordinates, so that no division is needed.
      var coordinates = [Int](repeating: 0, count: axes.count)
      var place = offset
      for index in 0..<count {
        result.initializeElement(at: index, to: element(place))
        for axis in axes.indices.reversed() {
          let (extent, stride) = axes[axis]
          if coordinates[axis] < extent - 1 {
            coordinates[axis] += 1
            place += stride
            break
          }
          place -= coordinates[axis] * stride
          coordinates[axis] = 0
        }
      }
      initialized = count
    }
  }
}
