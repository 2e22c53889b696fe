// SPDX-License-Identifier: Apache-2.0

import Glibc

extension Comparison {
  /// How many of the labelled photos have the most frequent label.
  public var mostFrequentLabel: Int { labels.values.max() ?? 0 }

  /// Whether float32 names so few labels right that naming the most frequent one always could do as well: with at
  /// least 5 % probability as many of as many photos are right if each is right with that label's frequency.
  /// False without photos of different labels, or if all are right.
  public var isNearChance: Bool {
    guard labels.count > 1, floatScore.first < imageCount else { return false }
    let chance = Double(mostFrequentLabel) / Double(imageCount)
    func logFactorial(_ number: Int) -> Double { lgamma(Double(number) + 1) }
    let tail = (floatScore.first...imageCount).reduce(0.0) { sum, right in
      let wrong = imageCount - right
      return sum
        + exp(
          logFactorial(imageCount) - logFactorial(right) - logFactorial(wrong)
            + Double(right) * log(chance) + Double(wrong) * log1p(-chance))
    }
    return tail >= 0.05
  }
}
