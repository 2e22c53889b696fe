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

  /// The elements of `storage` that the view shows, in row-major order.
  ///
  /// The view must have been checked: at least one element, and none beyond `storage`.
  func gather(from storage: [Float]) -> [Float] {
    let count = shape.reduce(1, *)
    return [Float](unsafeUninitializedCapacity: count) { result, initialized in
      // An odometer over the coordinates, so that no division is needed.
      var coordinates = shape.map { _ in 0 }
      var element = offset
      for index in 0..<count {
        result.initializeElement(at: index, to: storage[element])
        var dimension = shape.count - 1
        while dimension >= 0 {
          coordinates[dimension] += 1
          element += strides[dimension]
          if coordinates[dimension] < shape[dimension] { break }
          element -= coordinates[dimension] * strides[dimension]
          coordinates[dimension] = 0
          dimension -= 1
        }
      }
      initialized = count
    }
  }
}
