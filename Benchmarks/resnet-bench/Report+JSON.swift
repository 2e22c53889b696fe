// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform
import ResNetRuntime

extension TextOutput {
  /// Writes a report as JSON, what is unknown as null.
  mutating func append(asJSON report: borrowing Report) throws(RunError) {
    append("{\n  \"plan\": ")
    append(jsonText: report.model)
    append(",\n  \"plan_sha256\": ")
    append(jsonText: report.sha256)
    append(",\n  \"output_crc32c\": ")
    append(jsonText: TextLine(hexadecimal: report.checksum))
    append(",\n  \"cpu\": ")
    append(jsonText: report.machine.cpu)
    append(",\n  \"isa\": ")
    append(jsonText: report.session.instructionSet.cName)
    append(",\n  \"threads\": ")
    append(report.session.threads)
    append(",\n  \"governor\": ")
    append(jsonText: report.machine.governor)
    append(",\n  \"clock_mhz\": ")
    append(jsonRange: report.start.clock, report.end.clock)
    append(",\n  \"maximum_clock_mhz\": ")
    append(jsonOptional: report.machine.maximumClock)
    append(",\n  \"temperature_c\": ")
    append(jsonRange: report.start.temperature, report.end.temperature)
    append(",\n  \"throttling\": ")
    append(jsonText: report.throttling)
    append(",\n  \"peak_gmac_per_s\": ")
    append(jsonNumber: report.peak, decimals: 3)
    append(",\n  \"runs\": ")
    append(report.pairCount)
    append(",\n  \"latency_ms\": {\"min\": ")
    append(jsonNumber: report.latency.minimum, decimals: 6)
    append(", \"median\": ")
    append(jsonNumber: report.latency.median, decimals: 6)
    append(", \"p90\": ")
    append(jsonNumber: report.latency.p90, decimals: 6)
    append(", \"p99\": ")
    append(jsonNumber: report.latency.p99, decimals: 6)
    append(", \"noise\": ")
    append(jsonNumber: report.latency.noise, decimals: 6)
    append("},\n  \"sum_of_medians_ms\": ")
    append(jsonNumber: report.sum, decimals: 6)
    append(",\n  \"timing_cost_percent\": ")
    append(jsonNumber: report.timingCost, decimals: 3)
    append(",\n  \"blocks\": [")
    append(jsonRows: report.blocks, of: report)
    if report.showsSteps {
      append("],\n  \"steps\": [")
      append(jsonRows: report.steps, of: report)
    }
    append("]\n}")
    try endLine()
  }

  private mutating func append(
    jsonRows rows: UnsafeBufferPointer<Row>, of report: borrowing Report
  ) {
    for index in 0..<rows.count {
      let row = rows[index]
      append(index == 0 ? "\n    {\"name\": " : ",\n    {\"name\": ")
      append(jsonText: row.name)
      append(", \"min_ms\": ")
      append(jsonNumber: row.time.minimum, decimals: 6)
      append(", \"median_ms\": ")
      append(jsonNumber: row.time.median, decimals: 6)
      append(", \"p90_ms\": ")
      append(jsonNumber: row.time.p90, decimals: 6)
      append(", \"p99_ms\": ")
      append(jsonNumber: row.time.p99, decimals: 6)
      append(", \"noise_ms\": ")
      append(jsonNumber: row.time.noise, decimals: 6)
      append(", \"share_percent\": ")
      append(jsonNumber: report.share(row), decimals: 3)
      append(", \"macs\": ")
      append(row.multiplications)
      append(", \"gmac_per_s\": ")
      append(jsonNumber: row.rate, decimals: 3)
      append(", \"percent_of_peak\": ")
      append(jsonNumber: report.percentOfPeak(row), decimals: 2)
      append(", \"kernel\": \"")
      append(kernelsOf: row, in: report)
      append("\"}")
    }
    append("\n  ")
  }

  private mutating func append(jsonRange start: Double?, _ end: Double?) {
    guard let start, let end else { return append("null") }
    append("{\"start\": ")
    append(jsonNumber: start, decimals: 1)
    append(", \"end\": ")
    append(jsonNumber: end, decimals: 1)
    append("}")
  }

  private mutating func append(jsonOptional number: Double?) {
    guard let number else { return append("null") }
    append(jsonNumber: number, decimals: 1)
  }

  /// Appends a line as a JSON string, or null if it is empty.
  private mutating func append(jsonText line: TextLine) {
    if line.count == 0 {
      append("null")
    } else {
      line.withUTF8 { append(jsonString: $0) }
    }
  }

  private mutating func append(jsonText text: UnsafePointer<CChar>) {
    append("\"")
    forEachByteOfValidUTF8(text) { append(jsonByte: $0) }
    append("\"")
  }
}
