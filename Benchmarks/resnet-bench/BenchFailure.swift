// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool
import ResNetPlatform

/// Why resnet-bench ends without its result.
// Unchecked: the paths are words of the command line, which live unchanged as long as the process.
enum BenchFailure: Error, TextDescribable, @unchecked Sendable {
  /// What may befall every tool.
  case tool(ToolFailure)
  /// A measurement to compare with could not be mapped.
  case baseline(UnsafePointer<CChar>, FileError)
  /// A measurement to compare with is not what this tool writes.
  case strangeBaseline(UnsafePointer<CChar>, byte: Int, expected: StaticString)
  /// The last run gave other logits than the first.
  case changedOutput(UnsafePointer<CChar>)

  func describe(to line: inout TextLine) {
    switch self {
    case .tool(let failure): failure.describe(to: &line)
    case .baseline(let path, let error): line.append("\(path): \(error)")
    case .strangeBaseline(let path, let byte, let expected):
      line.append("\(path): byte \(byte): expected \(expected)")
    case .changedOutput(let path):
      line.append("\(path): the same image gave different logits: ")
      line.append("suspect the memory or the power supply")
    }
  }
}

/// Does what may fail in every tool.
func shared<Result: ~Copyable>(
  _ work: @autoclosure () throws(ToolFailure) -> Result
) throws(BenchFailure) -> Result {
  do throws(ToolFailure) {
    return try work()
  } catch {
    throw .tool(error)
  }
}
