// SPDX-License-Identifier: Apache-2.0

import Glibc
import ResNetPlanning

extension Histogram {
  /// The range with the least sum of squared errors when every value is clipped to it and rounded to
  /// one of its 256 levels; values count as the middle of their bin.
  ///
  /// Ranges that end at each 64th of the way to the extremes are tried.
  package func rangeOfLeastError() -> (low: Float, high: Float) {
    guard count > 0 else { return (minimum, maximum) }
    let steps = 64
    let (least, greatest) = (min(minimum, 0), max(maximum, 0))
    let bins = occupiedBins
    var best = (low: least, high: greatest)
    var smallest = Double.infinity
    for low in least < 0 ? 1...steps : 0...0 {
      for high in greatest > 0 ? 1...steps : 0...0 {
        let range = (
          low: least * Float(low) / Float(steps), high: greatest * Float(high) / Float(steps)
        )
        let error = squaredError(bins, ActivationScale(low: range.low, high: range.high))
        // Of equal ranges the wider.
        if error <= smallest {
          smallest = error
          best = range
        }
      }
    }
    return best
  }

  private func squaredError(_ bins: [(value: Double, count: Double)], _ scale: ActivationScale)
    -> Double
  {
    let step = Double(scale.scale)
    let low = -Double(scale.zeroPoint)
    let high = 255 - Double(scale.zeroPoint)
    var sum = 0.0
    for bin in bins {
      let level = min(max((bin.value / step).rounded(.toNearestOrEven), low), high)
      let error = bin.value - level * step
      sum += bin.count * error * error
    }
    return sum
  }

  /// The range, as far below zero as above but no farther than the extremes, whose levels have the
  /// least Kullback-Leibler divergence from the distribution of magnitudes.
  package func rangeOfLeastDivergence() -> (low: Float, high: Float) {
    // Zero is a level of every range and so loses nothing: the first bin counts as much as the next.
    var magnitudes = magnitudeCounts
    magnitudes[0] = magnitudes[1]
    guard let last = magnitudes.lastIndex(where: { $0 > 0 }) else { return (minimum, maximum) }
    // Signed values have half of the levels on either side.
    let levels = minimum < 0 ? 128 : 256
    // A few images leave the tail full of holes, which would look like something to clip.
    let kept = (bin(of: magnitudeCounts, notExceededBy: 0.9999) ?? 0) + 1
    var best = last + 1
    var smallest = Double.infinity
    for end in stride(
      from: last + 1, through: min(max(levels, kept), last + 1), by: -max(1, (last + 1) / 256))
    {
      let divergence = Histogram.divergence(magnitudes, end: end, last: last, levels: levels)
      if divergence < smallest {
        smallest = divergence
        best = end
      }
    }
    let limit = edge(best)
    return (max(minimum, -limit), min(maximum, limit))
  }

  /// The divergence of the first `end` bins, the rest counted in the last of them, from the same
  /// bins spread evenly over each level.
  private static func divergence(_ counts: [UInt64], end: Int, last: Int, levels: Int) -> Double {
    let outside = end <= last ? counts[end...last].reduce(0, +) : 0
    let total = Double(counts[0...last].reduce(0, +))
    let inside = total - Double(outside)
    var sum = 0.0
    for level in 0..<min(levels, end) {
      let first = level * end / min(levels, end)
      let next = (level + 1) * end / min(levels, end)
      var members = 0
      var count: UInt64 = 0
      for bin in first..<next where counts[bin] > 0 || (bin == end - 1 && outside > 0) {
        members += 1
        count += counts[bin]
      }
      guard members > 0 else { continue }
      // What is clipped may be alone in its level: a millionth instead of nothing.
      let share = max(Double(count) / Double(members) / inside, 1e-6)
      for bin in first..<next where counts[bin] > 0 || (bin == end - 1 && outside > 0) {
        let clipped = bin == end - 1 ? outside : 0
        let probability = Double(counts[bin] + clipped) / total
        sum += probability * log(probability / share)
      }
    }
    return sum
  }
}
