// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// What many measurements of one time come to, in milliseconds.
struct Summary: BitwiseCopyable {
  let minimum, median, p90, p99: Double
  /// 1.4826 times the median absolute deviation of the medians of ten consecutive parts: the standard
  /// deviation of such a median, as far as the measurement itself can tell it, slow drift included.
  let noise: Double

  private static var partCount: Int { 10 }

  /// Summarizes at least ten times in nanoseconds, in the order of measurement; sorts them.
  init(sorting times: UnsafeMutableBufferPointer<Int64>) {
    let parts = Summary.partCount
    // Twice the medians are whole numbers.
    var medians = InlineArray<10, Int64>(repeating: 0)
    for part in 0..<parts {
      let range = times.count * part / parts..<times.count * (part + 1) / parts
      let slice = UnsafeMutableBufferPointer(rebasing: times[range])
      sort(slice)
      medians[part] = Summary.twiceMedian(slice)
    }
    noise = withUnsafeMutableBytes(of: &medians) {
      1.4826 * Summary.deviation(ofHalf: $0.assumingMemoryBound(to: Int64.self)) / 1e6
    }
    sort(times)
    minimum = Double(times[0]) / 1e6
    median = Double(Summary.twiceMedian(times)) / 2e6
    p90 = Double(times[(times.count * 90 + 99) / 100 - 1]) / 1e6
    p99 = Double(times[(times.count * 99 + 99) / 100 - 1]) / 1e6
  }

  private static func twiceMedian(_ sorted: UnsafeMutableBufferPointer<Int64>) -> Int64 {
    let last = sorted.count - 1
    return sorted[last / 2] + sorted[(last + 1) / 2]
  }

  /// The median absolute deviation of the halves of values, which are lost.
  private static func deviation(ofHalf values: UnsafeMutableBufferPointer<Int64>) -> Double {
    sort(values)
    let middle = twiceMedian(values)
    for index in values.indices { values[index] = abs(2 * values[index] - middle) }
    sort(values)
    return Double(twiceMedian(values)) / 8
  }
}

/// Sorts in place; the standard library's sort needs the heap.
private func sort(_ times: UnsafeMutableBufferPointer<Int64>) {
  qsort(times.baseAddress!, times.count, MemoryLayout<Int64>.stride) { a, b in
    let a = a!.load(as: Int64.self)
    let b = b!.load(as: Int64.self)
    return a < b ? -1 : a > b ? 1 : 0
  }
}
