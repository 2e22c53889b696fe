// SPDX-License-Identifier: Apache-2.0

/// The distribution of a tensor's values over any number of images, in bounded memory.
///
/// Values are counted in bins whose width is a power of two and doubles whenever a value lies beyond
/// the last bin. Halving an index is exact, so the counts do not depend on the order in which
/// values and histograms come together.
///
/// - **Allocates:** 64 KiB.
public struct Histogram: Sendable, Equatable {
  /// Bins on each side of zero.
  static let binCount = 4096

  /// The smallest and greatest value seen; infinite and reversed before the first.
  public private(set) var minimum = Float.infinity
  public private(set) var maximum = -Float.infinity
  /// How many values were seen.
  public private(set) var count: UInt64 = 0

  /// Bins are 2^exponent wide.
  private var exponent = -40
  /// Bin i counts values in [i, i + 1) × 2^exponent.
  private var positive = [UInt64](repeating: 0, count: Histogram.binCount)
  /// Bin i counts values in (-i - 1, -i] × 2^exponent, without zero.
  private var negative = [UInt64](repeating: 0, count: Histogram.binCount)

  public init() {}

  /// Counts values, all finite, and returns the smallest and the greatest of them.
  @discardableResult
  public mutating func add(_ values: UnsafeBufferPointer<Float>) -> SIMD2<Float> {
    var low = Float.infinity
    var high = -Float.infinity
    for value in values {
      low = min(low, value)
      high = max(high, value)
    }
    minimum = min(minimum, low)
    maximum = max(maximum, high)
    while max(-minimum, maximum) >= edge(Histogram.binCount) { widen() }
    count += UInt64(values.count)
    let scale = Float(sign: .plus, exponent: -exponent, significand: 1)
    positive.withUnsafeMutableBufferPointer { positive in
      negative.withUnsafeMutableBufferPointer { negative in
        for value in values {
          if value >= 0 {
            positive[Int(value * scale)] += 1
          } else {
            negative[Int(-value * scale)] += 1
          }
        }
      }
    }
    return SIMD2(low, high)
  }

  /// Adds the counts of another histogram.
  public mutating func merge(_ other: Histogram) {
    var other = other
    minimum = min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
    count += other.count
    while exponent < other.exponent { widen() }
    while other.exponent < exponent { other.widen() }
    positive = zip(positive, other.positive).map(+)
    negative = zip(negative, other.negative).map(+)
  }

  /// The value that `percent` of all values do not exceed, rounded up to the edge of a bin and at
  /// most ``maximum``.
  public func upperPercentile(_ percent: Double) -> Float {
    bin(of: positive, notExceededBy: percent / 100).map { min(edge($0 + 1), maximum) } ?? 0
  }

  /// The value that `percent` of all values are not below, rounded down to the edge of a bin and
  /// at least ``minimum``.
  public func lowerPercentile(_ percent: Double) -> Float {
    bin(of: negative, notExceededBy: percent / 100).map { max(-edge($0 + 1), minimum) } ?? 0
  }

  /// The bin above which the counts have no more than what this part leaves of all values; nil if
  /// they have no more at all.
  func bin(of counts: [UInt64], notExceededBy part: Double) -> Int? {
    var remaining = UInt64((Double(count) * (1 - part)).rounded(.down))
    for bin in counts.indices.reversed() {
      if counts[bin] > remaining { return bin }
      remaining -= counts[bin]
    }
    return nil
  }

  /// The middle of each bin that has values, and how many: those below zero first.
  var occupiedBins: [(value: Double, count: Double)] {
    let half = Double(edge(1)) / 2
    let below = (0..<Histogram.binCount).reversed().filter { negative[$0] > 0 }
    let above = (0..<Histogram.binCount).filter { positive[$0] > 0 }
    return below.map { (-Double(edge($0)) - half, Double(negative[$0])) }
      + above.map { (Double(edge($0)) + half, Double(positive[$0])) }
  }

  /// How many values are in each of equal parts of the range from ``minimum`` to ``maximum``, a bin
  /// counting where its middle is.
  public func counts(parts: Int) -> [UInt64] {
    var counts = [UInt64](repeating: 0, count: parts)
    guard count > 0 else { return counts }
    let width = max(Double(maximum) - Double(minimum), .leastNonzeroMagnitude)
    for bin in occupiedBins {
      let part = (bin.value - Double(minimum)) / width * Double(parts)
      counts[min(max(Int(part), 0), parts - 1)] += UInt64(bin.count)
    }
    return counts
  }

  /// How many values of either sign are in each bin.
  var magnitudeCounts: [UInt64] { zip(positive, negative).map { $0 + $1 } }

  func edge(_ bin: Int) -> Float {
    Float(bin) * Float(sign: .plus, exponent: exponent, significand: 1)
  }

  private mutating func widen() {
    func widened(_ bins: [UInt64]) -> [UInt64] {
      bins.indices.map { 2 * $0 < bins.count ? bins[2 * $0] + bins[2 * $0 + 1] : 0 }
    }
    positive = widened(positive)
    negative = widened(negative)
    exponent += 1
  }
}
