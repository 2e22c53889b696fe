// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform

/// Where the columns of the table for a person end: names to the left, numbers to the right.
struct TableColumns {
  private let names: Int

  /// Makes room for the names of some rows.
  init(_ rows: UnsafeBufferPointer<Row>) {
    var width = ("whole run" as StaticString).utf8CodeUnitCount
    for row in rows { width = max(width, min(strlen(row.name), 40)) }
    names = width
  }

  /// The titles.
  func heading(_ name: StaticString) -> TextLine {
    var line: TextLine = "\(name)"
    let titles: InlineArray<8, StaticString> = [
      "median ms", "min ms", "p90 ms", "p99 ms", "share %", "MMAC", "GMAC/s", "% of peak",
    ]
    for column in titles.indices { line.append(titles[column], endingAt: end(column)) }
    line.append("  kernel")
    return line
  }

  /// A name and its times.
  func line(_ name: UnsafePointer<CChar>, _ time: Summary) -> TextLine {
    var line = line(name, median: time.median)
    line.append(time.minimum, decimals: 3, endingAt: end(1))
    line.append(time.p90, decimals: 3, endingAt: end(2))
    line.append(time.p99, decimals: 3, endingAt: end(3))
    return line
  }

  /// A name and one time.
  func line(_ name: UnsafePointer<CChar>, median: Double) -> TextLine {
    var line: TextLine = "\(name)"
    line.append(median, decimals: 3, endingAt: end(0))
    return line
  }

  /// Appends a share in per cent.
  func append(share: Double, to line: inout TextLine) {
    line.append(share, decimals: 1, endingAt: end(4))
  }

  /// Appends multiplications, how many there are in a second, and what the peak is to that.
  func append(
    _ multiplications: Int, _ milliseconds: Double, _ peak: Double, to line: inout TextLine
  ) {
    guard multiplications > 0 else {
      for column in 5...7 { line.append("-", endingAt: end(column)) }
      return
    }
    let rate = Double(multiplications) / (milliseconds * 1e6)
    line.append(Double(multiplications) / 1e6, decimals: 1, endingAt: end(5))
    line.append(rate, decimals: 1, endingAt: end(6))
    line.append(rate / peak * 100, decimals: 1, endingAt: end(7))
  }

  /// Where a column of numbers ends.
  func end(_ column: Int) -> Int { names + 11 + 10 * column }
}

extension TextLine {
  /// Appends text that ends at a column, two spaces or more after what is there.
  mutating func append(_ text: StaticString, endingAt column: Int) {
    append("  ")
    pad(to: column - text.utf8CodeUnitCount)
    append(text)
  }

  /// Appends a rounded number that ends at a column, a space or more after what is there.
  mutating func append(_ number: Double, decimals: Int, endingAt column: Int) {
    let text: TextLine = "\(number, decimals: decimals)"
    append(" ")
    pad(to: column - text.count)
    text.withUTF8 { append($0) }
  }
}
