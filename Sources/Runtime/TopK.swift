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
public func topK(_ values: Span<Float>, into indices: inout MutableSpan<Int>) -> Int {
  values.withUnsafeBufferPointer { values in
    indices.withUnsafeMutableBufferPointer { topK(values, into: $0) }
  }
}

/// Does the same for callers in this package that have pointers.
package func topK(
  _ values: UnsafeBufferPointer<Float>, into indices: UnsafeMutableBufferPointer<Int>
) -> Int {
  let count = values.count
  let room = indices.count
  guard room > 0, let values = values.baseAddress, let indices = indices.baseAddress
  else { return 0 }
  var filled = 0
  var index = 0
  while index < count {
    // Once all places are taken, most vectors hold nothing greater than the last of them.
    if filled == room, index + 16 <= count {
      let vector = UnsafeRawPointer(values + index)
        .loadUnaligned(as: SIMD16<Float>.self)
      let least = SIMD16(repeating: values[indices[filled - 1]])
      if vector.replacing(with: least, where: vector .< least) == least {
        index += 16
        continue
      }
    }
    let end = min(index + 16, count)
    for place in index..<end { insert(place, values, indices, room, &filled) }
    index = end
  }
  return filled
}

/// Puts one place where it belongs among the `filled` greatest so far.
private func insert(
  _ index: Int, _ values: UnsafePointer<Float>, _ indices: UnsafeMutablePointer<Int>,
  _ room: Int, _ filled: inout Int
) {
  let value = values[index]
  guard !value.isNaN else { return }
  if filled == room {
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
