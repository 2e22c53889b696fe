// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

extension TextOutput {
  /// Writes a report for a person.
  mutating func append(_ report: borrowing Report) throws(ToolFailure) {
    appendHeader(report)
    append("\n")
    appendTable(report)
    append("\nsum / whole run \(report.sum / report.latency.median, decimals: 4)")
    append(", cost of timing \(report.timingCost, decimals: 2) %, noise of the whole run ")
    append("\(report.latency.noise / report.latency.median * 100, decimals: 2) %")
    if let batch = report.batchLatency { append(batch, of: report) }
    try endLine()
  }

  private mutating func append(_ batch: Summary, of report: borrowing Report) {
    let single = report.imagesPerSecond(report.latency, images: 1)
    let several = report.imagesPerSecond(batch, images: report.session.batch)
    append("\nbatches of \(report.session.batch): \(several, decimals: 1) images/s, ")
    append("one image at a time \(single, decimals: 1), ratio \(several / single, decimals: 3)")
    append(", noise of the batch ")
    append("\(batch.noise / batch.median * 100, decimals: 2) %")
  }

  private mutating func appendHeader(_ report: borrowing Report) {
    append("plan         ")
    append(cString: report.model)
    append("\nplan sha256  \(report.sha256)")
    append("\noutput crc   \(TextLine(hexadecimal: report.checksum))")
    append("\ncpu          \(report.machine.cpu.orUnknown)")
    append("\nisa          \(report.session.instructionSet.cName), \(report.session.threads)")
    append(report.session.threads == 1 ? " thread" : " threads")
    append("\nmemory       plan \(report.session.plan.view.byteCount) bytes, session ")
    append(
      "\(report.session.byteCount), of them \(report.session.formByteCount) of transformed weights")
    append("\ngovernor     \(report.machine.governor.orUnknown)\nclock        ")
    append(from: report.start.clock, to: report.end.clock, unit: " MHz")
    if let maximum = report.machine.maximumClock {
      append(", at most \(maximum, decimals: 0) MHz")
    }
    append("\ntemperature  ")
    append(from: report.start.temperature, to: report.end.temperature, unit: " °C")
    append("\nthrottling   \(report.throttling)")
    append("\npeak         \(report.peak, decimals: 1) GMAC/s measured")
    if report.session.threads > 1 {
      append(" (\(report.threadPeak, decimals: 1) on one thread)")
    }
    append("\nruns         \(report.pairCount) without timing and as many with it, in turn")
    if report.keptCount < report.pairCount {
      append("; evenly thinned out to \(report.keptCount)")
    }
    append("\n")
  }

  private mutating func appendTable(_ report: borrowing Report) {
    let columns = TableColumns(report.rows)
    append(columns.heading(report.showsSteps ? "step" : "block"))
    append("\n")
    for row in report.rows {
      var line = columns.line(row.name, row.time)
      columns.append(share: report.share(row), to: &line)
      columns.append(row.multiplications, row.time.median, report.peak, to: &line)
      append(line)
      append("  ")
      append(kernelsOf: row, in: report)
      append("\n")
    }
    var sum = columns.line(("sum" as StaticString).cString, median: report.sum)
    columns.append(share: 100, to: &sum)
    columns.append(report.multiplications, report.sum, report.peak, to: &sum)
    append(sum)
    append("\n")
    var whole = columns.line(("whole run" as StaticString).cString, report.latency)
    columns.append(report.multiplications, report.latency.median, report.peak, to: &whole)
    append(whole)
    append("\n")
  }

  private mutating func append(from start: Double?, to end: Double?, unit: StaticString) {
    guard let start, let end else { return append("unknown") }
    append("\(start, decimals: 0)\(unit) at the start, \(end, decimals: 0)\(unit) at the end")
  }
}

extension Report {
  /// What is known about throttling, in words.
  var throttling: TextLine { "\(Throttling(start: start, end: end))" }
}
