// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform

/// What the tool tells its caller.
enum ExitStatus: Int32 {
  case success = 0
  case failure = 1
  case wrongUsage = 2
}

/// Does what the command line asks for.
func runTool() -> ExitStatus {
  let arguments: Arguments
  do throws(UsageError) {
    arguments = try Arguments.parse()
  } catch {
    var line = TextLine()
    line.append("resnet-bench: ")
    error.describe(to: &line)
    line.append("\n\n")
    line.write(to: STDERR_FILENO)
    printUsage(to: STDERR_FILENO)
    return .wrongUsage
  }
  if arguments.wantsHelp { return printUsage(to: STDOUT_FILENO) ? .success : .failure }
  do throws(RunError) {
    try benchmark(arguments)
    return .success
  } catch {
    var line = TextLine()
    line.append("resnet-bench: ")
    error.describe(to: &line)
    line.writeLine(to: STDERR_FILENO)
    return .failure
  }
}

private func benchmark(_ arguments: Arguments) throws(RunError) {
  // What cannot be read or written should be known before the measurement, not after it.
  let baseline: Baseline? =
    if let path = arguments.baseline {
      try Baseline.read(path, steps: arguments.perStep)
    } else {
      nil
    }
  var files = try ReportFiles(arguments)
  let report = try Report(arguments)
  var output = TextOutput()
  try output.append(report)
  if let baseline { try output.append(report, comparedWith: baseline) }
  try files.write(report)
}
