// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform
import ResNetRuntime

extension TextOutput {
  /// Draws the rows of a report: a bar up to the median, a line on to the 90th percentile.
  mutating func append(asSVG report: borrowing Report) throws(ToolFailure) {
    let chart = ChartLayout(report.rows)
    appendStart(report, chart)
    appendAxis(chart)
    for index in 0..<report.rows.count {
      appendBar(report.rows[index], chart.rowTop(index), report, chart)
    }
    appendFooter(report, chart)
    append("</svg>")
    try endLine()
  }

  private mutating func appendStart(_ report: borrowing Report, _ chart: ChartLayout) {
    append("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(chart.width)\"")
    append(" height=\"\(chart.height)\" viewBox=\"0 0 \(chart.width) \(chart.height)")
    append("\" font-family=\"system-ui, 'Helvetica Neue', Arial, sans-serif\" font-size=\"13\"")
    append(" fill=\"#1f2933\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n")
    append(textAt: 24, 36, "font-size=\"19\" font-weight=\"600\"")
    append(report.showsSteps ? "Latency per step" : "Latency per block")
    append(": \(report.latency.median, decimals: 2) ms a run</text>\n")
    append(textAt: 24, 58, "fill=\"#52606d\"")
    append(cString: report.model.fileName, as: .xml)
    append(" · ")
    append(xml: report.machine.cpu.count > 0 ? report.machine.cpu : "unknown CPU")
    append(" · ")
    append("\(report.session.instructionSet.cName)")
    append(" · \(report.session.threads)")
    append(report.session.threads == 1 ? " thread</text>\n" : " threads</text>\n")
    let titles: InlineArray<4, StaticString> = ["ms", "share", "GMAC/s", "of peak"]
    for column in titles.indices {
      append(
        textAt: chart.columnEnd(column), chart.top - 10, "text-anchor=\"end\" fill=\"#52606d\"")
      append("\(titles[column])</text>\n")
    }
  }

  /// Draws vertical lines at round times, below the bars.
  private mutating func appendAxis(_ chart: ChartLayout) {
    for tick in 0...chart.tickCount {
      let x = chart.x(Double(tick) * chart.tick)
      append("<path d=\"M\(x, decimals: 1) \(chart.top)V\(chart.bottom)")
      append(tick == 0 ? "\" stroke=\"#9aa5b1\"/>\n" : "\" stroke=\"#e4e7eb\"/>\n")
      append(textAt: Int(x), chart.bottom + 18, "text-anchor=\"middle\" fill=\"#52606d\"")
      append("\(Double(tick) * chart.tick, decimals: chart.tickDecimals)")
      append(tick == chart.tickCount ? " ms</text>\n" : "</text>\n")
    }
  }

  private mutating func appendBar(
    _ row: Row, _ top: Int, _ report: borrowing Report, _ chart: ChartLayout
  ) {
    let middle = top + ChartLayout.rowHeight / 2
    let end = chart.x(row.time.median)
    append(textAt: chart.left - 10, middle + 5, "text-anchor=\"end\"")
    append(cString: row.name, as: .xml)
    append("</text>\n<rect x=\"\(chart.left)\" y=\"\(top + 4)")
    append("\" width=\"\(max(end - Double(chart.left), 1), decimals: 1)")
    append("\" height=\"\(ChartLayout.rowHeight - 8)\" fill=\"#2f6fb0\"/>\n")
    append("<path d=\"M\(end, decimals: 1) \(middle)H\(chart.x(row.time.p90), decimals: 1)")
    append("\" stroke=\"#9aa5b1\" stroke-width=\"2\"/>\n")
    append(value: row.time.median, decimals: 3, "", column: 0, middle, chart)
    append(value: report.share(row), decimals: 1, " %", column: 1, middle, chart)
    guard row.multiplications > 0 else { return }
    append(value: row.rate, decimals: 1, "", column: 2, middle, chart)
    append(value: report.percentOfPeak(row), decimals: 0, " %", column: 3, middle, chart)
  }

  private mutating func appendFooter(_ report: borrowing Report, _ chart: ChartLayout) {
    append(textAt: 24, chart.bottom + 46, "font-size=\"12\" fill=\"#52606d\"")
    append("Bars end at the median of \(report.keptCount) runs, the lines after them at the ")
    append("90th percentile. Whole run: min \(report.latency.minimum, decimals: 2), p90 ")
    append(
      "\(report.latency.p90, decimals: 2), p99 \(report.latency.p99, decimals: 2) ms.</text>\n")
    append(textAt: 24, chart.bottom + 64, "font-size=\"12\" fill=\"#52606d\"")
    append("Governor: ")
    append(xml: report.machine.governor.orUnknown)
    append(". Throttling: \(report.throttling).</text>\n")
    append(textAt: 24, chart.bottom + 82, "font-size=\"12\" fill=\"#52606d\"")
    append("Peak: \(report.peak, decimals: 0) GMAC/s, measured. Plan SHA-256 ")
    report.sha256.withUTF8 { append(UnsafeBufferPointer(rebasing: $0[0..<12])) }
    append("…, output CRC-32C \(TextLine(hexadecimal: report.checksum)).</text>\n")
  }

  private mutating func append(
    value: Double, decimals: Int, _ unit: StaticString, column: Int, _ middle: Int,
    _ chart: ChartLayout
  ) {
    append(textAt: chart.columnEnd(column), middle + 5, "text-anchor=\"end\"")
    append("\(value, decimals: decimals)\(unit)</text>\n")
  }

  private mutating func append(textAt x: Int, _ y: Int, _ attributes: StaticString) {
    append("<text x=\"\(x)\" y=\"\(y)\" \(attributes)>")
  }

  private mutating func append(xml line: TextLine) {
    line.withUTF8 { append($0, as: .xml) }
  }
}

extension UnsafePointer<CChar> {
  /// What is after the last slash.
  fileprivate var fileName: UnsafePointer<CChar> {
    guard let slash = strrchr(self, 0x2F) else { return self }
    return UnsafePointer(slash) + 1
  }
}
