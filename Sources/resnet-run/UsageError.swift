// SPDX-License-Identifier: Apache-2.0

import Platform
import ResNetRuntime

/// What is wrong with a command line, whose words live unchanged as long as the process.
enum UsageError: Error, @unchecked Sendable {
  case missingModel
  case missingImage
  case unknownOption(UnsafePointer<CChar>)
  case missingValue(UnsafePointer<CChar>)
  case number(UnsafePointer<CChar>, ClosedRange<Int>, found: UnsafePointer<CChar>)
  case instructionSet(UnsafePointer<CChar>, SessionError)
  case evaluateWith(StaticString)
  case sameFile(UnsafePointer<CChar>)
  case outOfMemory

  /// Appends what was expected and what was found.
  func describe(to line: inout TextLine) {
    switch self {
    case .missingModel:
      line.append("expected a plan and images, found neither")
    case .missingImage:
      line.append("expected at least one image after the plan, or --evaluate DIR")
    case .unknownOption(let option):
      line.append("unknown option ")
      line.append(cString: option)
    case .missingValue(let option):
      line.append("expected a value after ")
      line.append(cString: option)
    case .number(let option, let range, let found):
      line.append("expected a number from ")
      line.append(range.lowerBound)
      line.append(" to ")
      line.append(range.upperBound)
      line.append(" after ")
      line.append(cString: option)
      line.append(", found ")
      line.append(cString: found)
    case .instructionSet(let name, let error):
      line.append("--isa ")
      line.append(cString: name)
      line.append(": ")
      error.describe(to: &line)
    case .evaluateWith(let other):
      line.append("--evaluate cannot be combined with ")
      line.append(other)
    case .sameFile(let path):
      line.append("--features and --logits name the same file ")
      line.append(cString: path)
    case .outOfMemory:
      line.append("out of memory")
    }
  }
}
