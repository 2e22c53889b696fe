// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform
import ResNetRuntime

extension TextOutput {
  /// Writes how a report differs from an earlier measurement, for a person.
  mutating func append(
    _ report: borrowing Report, comparedWith baseline: borrowing Baseline
  ) throws(ToolFailure) {
    append("\n")
    appendWarnings(report, baseline)
    let columns = ComparisonColumns(columns: TableColumns(report.rows))
    append(columns.heading)
    append("\n")
    for row in report.rows {
      append(columns.line(row.name, row.time, baseline.time(of: TextLine(asJSON: row.name))))
      append("\n")
    }
    append(columns.line(("whole run" as StaticString).cString, report.latency, baseline.latency))
    try endLine()
  }

  /// Says what else than the program is different.
  private mutating func appendWarnings(
    _ report: borrowing Report, _ baseline: borrowing Baseline
  ) {
    let now: InlineArray<5, TextLine> = [
      "\"\(report.sha256)\"", "\"\(TextLine(hexadecimal: report.checksum))\"",
      "\"\(report.session.instructionSet.cName)\"", "\(report.session.threads)",
      report.machine.cpu.count > 0 ? "\"\(report.machine.cpu)\"" : "null",
    ]
    let names: InlineArray<5, StaticString> = [" plan", " output", " isa", " threads", " cpu"]
    var line = TextLine()
    for trait in names.indices
    where !now[trait].withUTF8({ baseline.traits[trait].equals($0) }) {
      line.append(names[trait])
    }
    guard line.count > 0 else { return }
    append("the baseline has another")
    append(line)
    append("\n")
  }
}

/// The table of differences.
private struct ComparisonColumns {
  let columns: TableColumns

  var heading: TextLine {
    var line: TextLine = "baseline"
    line.append("before ms", endingAt: columns.end(0))
    line.append("now ms", endingAt: columns.end(1))
    line.append("change %", endingAt: columns.end(2))
    line.append("noise ±%", endingAt: columns.end(3) + 1)
    return line
  }

  func line(_ name: UnsafePointer<CChar>, _ now: Summary, _ before: BaselineTime?) -> TextLine {
    var line: TextLine = "\(name)"
    guard let before else {
      line.append("not in the baseline", endingAt: columns.end(1))
      return line
    }
    let change = now.median - before.median
    let noise = max(
      3 * (now.noise * now.noise + before.noise * before.noise).squareRoot(), before.median / 50)
    line.append(before.median, decimals: 3, endingAt: columns.end(0))
    line.append(now.median, decimals: 3, endingAt: columns.end(1))
    line.append(change / before.median * 100, decimals: 1, endingAt: columns.end(2))
    line.append(noise / before.median * 100, decimals: 1, endingAt: columns.end(3))
    if change.magnitude > noise { line.append(change < 0 ? "  faster" : "  SLOWER") }
    return line
  }
}

extension TextLine {
  /// A text as JSON writes it between the quotes.
  init(asJSON text: UnsafePointer<CChar>) {
    self.init()
    append(UnsafeBufferPointer(cString: text), as: .json)
  }
}
