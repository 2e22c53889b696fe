// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform
import ResNetRuntime

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
    line.append("resnet-run: ")
    error.describe(to: &line)
    line.append("\n\n")
    line.write(to: STDERR_FILENO)
    printUsage(to: STDERR_FILENO)
    return .wrongUsage
  }
  switch arguments.task {
  case .help:
    return printUsage(to: STDOUT_FILENO) ? .success : .failure
  case .version:
    return printVersion(to: STDOUT_FILENO) ? .success : .failure
  case .classify, .evaluate, .frames:
    return infer(arguments)
  }
}

private func infer(_ arguments: borrowing Arguments) -> ExitStatus {
  do throws(RunError) {
    let readAll: Bool
    switch arguments.task {
    case .frames(let options):
      readAll = try classifyFrames(arguments, options)
    case .evaluate(let folder):
      var classifier = try TimedClassifier(arguments)
      readAll = try evaluate(folder, &classifier, asJSON: arguments.json)
    default:
      var classifier = try TimedClassifier(arguments)
      readAll = try classify(arguments, &classifier)
    }
    return readAll ? .success : .failure
  } catch {
    complain { error.describe(to: &$0) }
    return .failure
  }
}

/// Writes one line to standard error, after the name of the tool.
func complain(_ describe: (inout TextLine) -> Void) {
  var line = TextLine()
  line.append("resnet-run: ")
  describe(&line)
  line.writeLine(to: STDERR_FILENO)
}
