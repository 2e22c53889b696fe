// SPDX-License-Identifier: Apache-2.0

/// A sum in fixed point, which does not depend on the order of its terms.
package struct ExactSum: Sendable {
  /// In units of 2⁻⁶⁴.
  private var units: Int128 = 0

  package init() {}

  /// Adds a number below 2⁴⁰ in magnitude; what is beyond counts as that.
  package mutating func add(_ number: Double) {
    units += Int128((min(max(number, -0x1p40), 0x1p40) * 0x1p64).rounded(.toNearestOrEven))
  }

  /// The sum divided by a positive count.
  package func mean(of count: Int) -> Double { Double(units) / 0x1p64 / Double(count) }

  static func + (first: ExactSum, other: ExactSum) -> ExactSum {
    var sum = first
    sum.units += other.units
    return sum
  }
}

extension FloatExecutor {
  /// Adds the mean over the pixels of each channel of a tensor.
  func addChannelMeans(of tensor: Int, to sums: inout [ExactSum]) {
    var means = [Double](repeating: 0, count: sums.count)
    var values = 0
    means.withUnsafeMutableBufferPointer { means in
      forEachRun(of: tensor) { run in
        values += run.count
        var start = 0
        while start < run.count {
          for channel in 0..<means.count { means[channel] += Double(run[start + channel]) }
          start += means.count
        }
      }
    }
    let pixels = Double(values / sums.count)
    for channel in sums.indices { sums[channel].add(means[channel] / pixels) }
  }
}
