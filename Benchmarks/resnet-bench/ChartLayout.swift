// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// Where the parts of a chart are, in pixels.
struct ChartLayout {
  static var rowHeight: Int { 26 }

  let width = 940
  let top = 96
  /// Where the bars start and where the rows end.
  let left, bottom: Int
  /// The time between two lines of the axis, in milliseconds, and how many lines there are after 0.
  let tick: Double
  let tickCount: Int
  let tickDecimals: Int

  private var right: Int { 590 }

  init(_ rows: UnsafeBufferPointer<Row>) {
    var letters = 0
    var longest = 0.0
    for row in rows {
      letters = max(letters, min(strlen(row.name), 40))
      // Rare outliers should not shrink all bars.
      longest = max(longest, min(max(row.time.median, row.time.p90), 1.5 * row.time.median))
    }
    left = max(40 + letters * 7, 100)
    bottom = top + rows.count * ChartLayout.rowHeight
    (tick, tickDecimals) = ChartLayout.roundStep(longest / 5)
    tickCount = Int((longest / tick).rounded(.up))
  }

  var height: Int { bottom + 100 }

  /// The upper edge of a row.
  func rowTop(_ index: Int) -> Int { top + index * ChartLayout.rowHeight }

  /// The right edge of a column of numbers.
  func columnEnd(_ index: Int) -> Int { right + 90 + 80 * index }

  /// The place of a time on the axis, at most that of its end.
  func x(_ milliseconds: Double) -> Double {
    let scale = Double(right - left) / (Double(tickCount) * tick)
    return min(Double(left) + milliseconds * scale, Double(right))
  }

  /// The least of …0.1, 0.2, 0.5, 1, 2, 5… that is no less than a time, and its decimals.
  private static func roundStep(_ least: Double) -> (step: Double, decimals: Int) {
    var unit = 1e-6
    var decimals = 6
    while unit < 1e6 {
      for factor in 1...5 where factor != 3 && factor != 4 {
        if Double(factor) * unit >= least { return (Double(factor) * unit, decimals) }
      }
      unit *= 10
      decimals = max(decimals - 1, 0)
    }
    return (unit, 0)
  }
}
