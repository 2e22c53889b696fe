// SPDX-License-Identifier: Apache-2.0

public import ResNetPlanFormat
public import ResNetPlatform
public import ResNetRuntime

/// Why a tool ends without its result, as far as that is the same for all tools.
// Unchecked: the paths are words of the command line, which live unchanged as long as the process.
public enum ToolFailure: Error, TextDescribable, @unchecked Sendable {
  /// A plan cannot be loaded.
  case plan(UnsafePointer<CChar>, PlanError)
  /// A plan cannot be run.
  case session(UnsafePointer<CChar>, SessionError)
  /// The environment variable RN_ISA names no usable instruction set.
  case environment(SessionError)
  /// A tuning cannot be read.
  case tuningFile(UnsafePointer<CChar>, FileError)
  /// A tuning is not for this session.
  case tuning(UnsafePointer<CChar>, TuningFlaw)
  /// The system has no memory.
  case outOfMemory(bytes: Int)
  /// A file could not be written; the value is an `errno`.
  case output(UnsafePointer<CChar>, errno: Int32)
  /// The path of a file to write names something that cannot be replaced by a file.
  case outputIsNotAFile(UnsafePointer<CChar>)
  /// Standard output could not be written; the value is an `errno`.
  case standardOutput(errno: Int32)

  public func describe(to line: inout TextLine) {
    switch self {
    case .plan(let path, let error): line.append("\(path): \(error)")
    case .session(let path, let error): line.append("\(path): \(error)")
    case .environment(let error): line.append("RN_ISA: \(error)")
    case .tuningFile(let path, let error): line.append("\(path): \(error)")
    case .tuning(let path, let flaw):
      line.append("\(path): \(flaw); without the file, the session is tuned anew")
    case .outOfMemory(let bytes): line.append("out of memory: \(bytes) bytes are not to be had")
    case .output(let path, let code):
      line.append("\(path): cannot write the file: \(errno: code)")
    case .outputIsNotAFile(let path):
      line.append("\(path): cannot write the file: expected a regular file or a free name")
    case .standardOutput(let code):
      line.append("cannot write to standard output: \(errno: code)")
    }
  }
}
