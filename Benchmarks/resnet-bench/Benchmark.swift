// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool
import ResNetPlatform

/// Measures what the command line asks for.
///
/// - Returns: true.
func benchmark(_ arguments: borrowing Arguments) throws(BenchFailure) -> Bool {
  let arguments = copy arguments
  // What cannot be read or written should be known before the measurement, not after it.
  let baseline = try arguments.baseline.map { (path) throws(BenchFailure) in
    try Baseline.read(path, steps: arguments.perStep)
  }
  var files = try shared(ReportFiles(arguments))
  let report = try Report(arguments)
  var output = TextOutput()
  try shared(output.append(report))
  if let baseline { try shared(output.append(report, comparedWith: baseline)) }
  try shared(files.write(report))
  return true
}
