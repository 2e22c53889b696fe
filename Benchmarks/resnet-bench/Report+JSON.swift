// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform
import ResNetRuntime

extension TextOutput {
  /// Writes a report as JSON, what is unknown as null.
  mutating func append(asJSON report: borrowing Report) throws(ToolFailure) {
    append("{\n  \"plan\": ", jsonText: report.model)
    append(",\n  \"plan_sha256\": ", jsonText: report.sha256)
    append(",\n  \"output_crc32c\": ", jsonText: TextLine(hexadecimal: report.checksum))
    append(",\n  \"cpu\": ", jsonText: report.machine.cpu)
    append(",\n  \"isa\": ", jsonText: report.session.instructionSet.cName)
    append(",\n  \"threads\": \(report.session.threads)")
    append(",\n  \"session_bytes\": \(report.session.byteCount)")
    append(",\n  \"form_bytes\": \(report.session.formByteCount)")
    append(",\n  \"governor\": ", jsonText: report.machine.governor)
    append(",\n  \"clock_mhz\": ", jsonRange: report.start.clock, report.end.clock)
    append(",\n  \"maximum_clock_mhz\": ", json: report.machine.maximumClock)
    append(
      ",\n  \"temperature_c\": ", jsonRange: report.start.temperature, report.end.temperature)
    append(",\n  \"throttling\": ", jsonText: report.throttling)
    append(",\n  \"peak_gmac_per_s\": \(json: report.peak, decimals: 3)")
    append(",\n  \"runs\": \(report.pairCount),\n  \"latency_ms\": {")
    append(jsonTime: report.latency, unit: "")
    if let batch = report.batchLatency {
      let images = report.session.batch
      append("},\n  \"batch\": {\"images\": \(images), \"images_per_s\": ")
      append("\(json: report.imagesPerSecond(batch, images: images), decimals: 3)")
      append(", \"single_images_per_s\": ")
      append("\(json: report.imagesPerSecond(report.latency, images: 1), decimals: 3), ")
      append(jsonTime: batch, unit: "_ms")
    }
    append("},\n  \"sum_of_medians_ms\": \(json: report.sum, decimals: 6)")
    append(",\n  \"timing_cost_percent\": \(json: report.timingCost, decimals: 3)")
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
      append(index == 0 ? "\n    {\"name\": " : ",\n    {\"name\": ", jsonText: row.name)
      append(", ")
      append(jsonTime: row.time, unit: "_ms")
      append(", \"share_percent\": \(json: report.share(row), decimals: 3)")
      append(", \"macs\": \(row.multiplications)")
      append(", \"gmac_per_s\": \(json: row.rate, decimals: 3)")
      append(", \"percent_of_peak\": \(json: report.percentOfPeak(row), decimals: 2)")
      append(", \"kernel\": \"")
      append(kernelsOf: row, in: report)
      append("\"}")
    }
    append("\n  ")
  }

  /// Appends the members of a time, with a unit after their names.
  private mutating func append(jsonTime time: Summary, unit: StaticString) {
    append("\"min\(unit)\": \(json: time.minimum, decimals: 6)")
    append(", \"median\(unit)\": \(json: time.median, decimals: 6)")
    append(", \"p90\(unit)\": \(json: time.p90, decimals: 6)")
    append(", \"p99\(unit)\": \(json: time.p99, decimals: 6)")
    append(", \"noise\(unit)\": \(json: time.noise, decimals: 6)")
  }

  private mutating func append(_ key: StaticString, jsonRange start: Double?, _ end: Double?) {
    append(key)
    guard let start, let end else { return append("null") }
    append("{\"start\": \(json: start, decimals: 1), \"end\": \(json: end, decimals: 1)}")
  }

  private mutating func append(_ key: StaticString, json number: Double?) {
    append(key)
    guard let number else { return append("null") }
    append("\(json: number, decimals: 1)")
  }

  /// Appends a line as a JSON string, or null if it is empty.
  private mutating func append(_ key: StaticString, jsonText line: TextLine) {
    append(key)
    if line.count == 0 {
      append("null")
    } else {
      line.withUTF8 { append(jsonString: $0) }
    }
  }

  private mutating func append(_ key: StaticString, jsonText text: UnsafePointer<CChar>) {
    append(key)
    append(jsonString: UnsafeBufferPointer(cString: text))
  }
}
