// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform

extension TextOutput {
  /// Writes the rows of a report as CSV (RFC 4180, with the lines ended as Unix does).
  mutating func append(asCSV report: borrowing Report) throws(ToolFailure) {
    append(
      "name,min_ms,median_ms,p90_ms,p99_ms,noise_ms,share_percent,macs,gmac_per_s,percent_of_peak,")
    append("kernel")
    for row in report.rows {
      append("\n")
      append(csvField: row.name)
      let time = row.time
      append(",\(time.minimum, decimals: 6),\(time.median, decimals: 6)")
      append(",\(time.p90, decimals: 6),\(time.p99, decimals: 6),\(time.noise, decimals: 6)")
      append(",\(report.share(row), decimals: 3),\(row.multiplications)")
      append(",\(row.rate, decimals: 3),\(report.percentOfPeak(row), decimals: 2),")
      append(kernelsOf: row, in: report)
    }
    try endLine()
  }

  private mutating func append(csvField text: UnsafePointer<CChar>) {
    guard text[strcspn(text, (",\"\r\n" as StaticString).cString)] != 0 else {
      return append(cString: text)
    }
    append("\"")
    var next = text
    while next[0] != 0 {
      let byte = UInt8(bitPattern: next[0])
      if byte == UInt8(ascii: "\"") { append("\"") }
      append(byte: byte)
      next += 1
    }
    append("\"")
  }
}
