// SPDX-License-Identifier: Apache-2.0

/// Finds the greatest values and their places.
///
/// - Parameters:
///   - values: any number of values; NaNs are never among the greatest.
///   - indices: filled with the places of the greatest values, the greatest first; of equal values
///     the one at the lower place comes first.
/// - Returns: How many places were filled: the smaller of the two counts, less if there are NaNs.
/// - Complexity: O(values + indices²) for values in random order.
/// - **Allocates:** nothing.
public func topK(
  _ values: UnsafeBufferPointer<Float>, into indices: UnsafeMutableBufferPointer<Int>
) -> Int {
  guard indices.count > 0 else { return 0 }
  var filled = 0

  func insert(_ index: Int) {
    let value = values[index]
    guard value == value else { return }
    if filled == indices.count {
      guard value > values[indices[filled - 1]] else { return }
    } else {
      filled += 1
    }
    var place = filled - 1
    while place > 0 && values[indices[place - 1]] < value {
      indices[place] = indices[place - 1]
      place -= 1
    }
    indices[place] = index
  }

  var index = 0
  while index + 16 <= values.count {
    // Once all places are taken, most vectors hold nothing greater than the last of them.
    if filled == indices.count {
      let vector = UnsafeRawPointer(values.baseAddress! + index)
        .loadUnaligned(as: SIMD16<Float>.self)
      if !any(vector .> values[indices[filled - 1]]) {
        index += 16
        continue
      }
    }
    for lane in index..<index + 16 { insert(lane) }
    index += 16
  }
  while index < values.count {
    insert(index)
    index += 1
  }
  return filled
}
