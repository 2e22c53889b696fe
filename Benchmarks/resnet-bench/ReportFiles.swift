// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool

/// The files that the command line asks for.
struct ReportFiles: ~Copyable {
  private var json, csv, svg: OutputFile?

  /// Creates the files under temporary names.
  init(_ arguments: Arguments) throws(ToolFailure) {
    json = try arguments.json.map(OutputFile.init)
    csv = try arguments.csv.map(OutputFile.init)
    svg = try arguments.svg.map(OutputFile.init)
  }

  /// Writes the files and gives them their names.
  mutating func write(_ report: borrowing Report) throws(ToolFailure) {
    try json?.write { output throws(ToolFailure) in try output.append(asJSON: report) }
    try csv?.write { output throws(ToolFailure) in try output.append(asCSV: report) }
    try svg?.write { output throws(ToolFailure) in try output.append(asSVG: report) }
    try json?.publish()
    try csv?.publish()
    try svg?.publish()
  }
}

extension OutputFile {
  fileprivate mutating func write(
    _ body: (inout TextOutput) throws(ToolFailure) -> Void
  ) throws(ToolFailure) {
    var output = TextOutput(to: self)
    try body(&output)
    try close()
  }
}
