// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetQuantization
import Testing

@Suite struct HistogramTests {
  private func histogram(_ runs: [[Float]]) -> Histogram {
    var histogram = Histogram()
    for run in runs { run.withUnsafeBufferPointer { _ = histogram.add($0) } }
    return histogram
  }

  /// Values over many orders of magnitude, both signs, with zeros.
  private func values(_ count: Int, seed: UInt64) -> [Float] {
    var generator = RandomGenerator(seed: seed)
    return (0..<count).map { index in
      if index % 10 == 0 { return index % 20 == 0 ? 0 : -0.0 }
      let magnitude = Float(
        sign: .plus, exponent: Int.random(in: -60...12, using: &generator), significand: 1)
      return Float.random(in: -1...1, using: &generator) * magnitude
    }
  }

  @Test func theOrderDoesNotMatter() {
    let values = values(5000, seed: 1)
    let expected = histogram([values])
    #expect(histogram([values.reversed()]) == expected)
    #expect(histogram([values.sorted()]) == expected)
    #expect(histogram([values.sorted { abs($0) > abs($1) }]) == expected)
    #expect(histogram(values.map { [$0] }) == expected)
    #expect(expected.count == 5000)
    #expect(expected.minimum == values.min() && expected.maximum == values.max())
  }

  @Test func mergingIsAddingAll() {
    let parts = [values(900, seed: 2), values(10, seed: 3).map { $0 * 1000 }, [1e-30, -1e-30], []]
    let expected = histogram([parts.flatMap { $0 }])
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
      var merged = Histogram()
      for index in order { merged.merge(histogram([parts[index]])) }
      #expect(merged == expected)
    }
  }

  @Test func otherValuesMakeAnotherHistogram() {
    #expect(histogram([[1, 2]]) != histogram([[1, 2, 2]]))
    #expect(histogram([[1, 2, 3]]) != histogram([[1, 2.5, 3]]))
  }

  /// The width of a bin that holds the greatest magnitude in 4096 bins, a power of two.
  private func binWidth(_ values: [Float]) -> Float {
    var width: Float = 0x1p-40
    while (values.map(abs).max() ?? 0) >= 4096 * width { width *= 2 }
    return width
  }

  @Test(arguments: [50, 75, 90, 99, 99.9, 99.99, 100])
  func percentilesAreWithinABinOfASort(percent: Double) {
    var generator = RandomGenerator(seed: 6)
    for scale in [1e-6, 1, 1e6] as [Float] {
      let values = (0..<20_000).map { _ in Float.random(in: -2...3, using: &generator) * scale }
      let sorted = values.sorted()
      let histogram = histogram([values])
      let excluded = Int((Double(values.count) * (1 - percent / 100)).rounded(.down))
      let width = binWidth(values)
      let upper = sorted[values.count - 1 - excluded]
      let found = histogram.upperPercentile(percent)
      #expect(found >= max(upper, 0) && found <= max(upper, 0) + width)
      let lower = sorted[excluded]
      let foundLower = histogram.lowerPercentile(percent)
      #expect(foundLower <= min(lower, 0) && foundLower >= min(lower, 0) - width)
    }
  }

  @Test func percentilesStayWithinTheRange() {
    let one = histogram([[0.3]])
    #expect(one.upperPercentile(100) == 0.3)
    #expect(one.lowerPercentile(100) == 0)
    let negative = histogram([[-5, -4, -3]])
    #expect(negative.lowerPercentile(100) == -5)
    #expect(negative.upperPercentile(100) == 0)
    let zeros = histogram([[0, -0.0, 0]])
    #expect(zeros.upperPercentile(99) == 0 && zeros.lowerPercentile(99) == 0)
    #expect(zeros.minimum == 0 && zeros.maximum == 0 && zeros.count == 3)
  }

  @Test func outliersAreLeftOut() {
    let values = [Float](repeating: 1, count: 9999) + [1000]
    #expect(histogram([values]).upperPercentile(100) == 1000)
    // 1000 / 4096 rounded up to a power of two is the bin that 1 lies in.
    #expect(histogram([values]).upperPercentile(99.9) <= 1.25)
  }

  @Test func theGreatestFloatHasItsBin() {
    let extremes: [Float] = [
      .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, 0,
    ]
    let found = histogram([extremes])
    #expect(found.upperPercentile(100) == .greatestFiniteMagnitude)
    #expect(found.lowerPercentile(100) == -.greatestFiniteMagnitude)
    #expect(histogram([extremes.reversed()]) == found)
  }
}
