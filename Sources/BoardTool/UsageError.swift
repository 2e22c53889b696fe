// SPDX-License-Identifier: Apache-2.0

public import ResNetPlatform
public import ResNetRuntime

/// What is wrong with a command line, whose words live unchanged as long as the process.
public enum UsageError: Error, @unchecked Sendable {
  case missingModel
  case missingImage
  case missingStream
  case missingPlan
  case strayWord(UnsafePointer<CChar>)
  case unknownOption(UnsafePointer<CChar>)
  case missingValue(UnsafePointer<CChar>)
  case number(UnsafePointer<CChar>, ClosedRange<Int>, found: UnsafePointer<CChar>)
  case seconds(UnsafePointer<CChar>, found: UnsafePointer<CChar>)
  case instructionSet(UnsafePointer<CChar>, SessionError)
  case cpus(UnsafePointer<CChar>, SessionError)
  case evaluateWith(StaticString)
  /// An option that makes sense only with another.
  case onlyWith(StaticString, StaticString)
  /// A size and format of frames.
  case frameFormat(UnsafePointer<CChar>)
  /// An option that takes one of some words.
  case word(UnsafePointer<CChar>, expected: StaticString, found: UnsafePointer<CChar>)
  /// Two options name the same file to write.
  case sameFile(StaticString, StaticString, UnsafePointer<CChar>)
  case both(StaticString, StaticString)
  case outOfMemory

  /// Appends what was expected and what was found.
  public func describe(to line: inout TextLine) {
    switch self {
    case .missingModel:
      line.append("expected a plan and images, found neither")
    case .missingImage:
      line.append("expected at least one image after the plan, or --evaluate DIR")
    case .missingStream:
      line.append("expected one file with frames after the plan, or - for standard input")
    case .onlyWith(let option, let other):
      line.append(option)
      line.append(" makes sense only with ")
      line.append(other)
    case .frameFormat(let found):
      line.append(
        "expected a width, height and format such as 640x480:yuv420 after --raw (yuv420, ")
      line.append("nv12, yuyv, rgb24 or bgr24), found ")
      line.append(cString: found)
    case .word(let option, let expected, let found):
      line.append("expected ")
      line.append(expected)
      line.append(" after ")
      line.append(cString: option)
      line.append(", found ")
      line.append(cString: found)
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
    case .seconds(let option, let found):
      line.append("expected 0.01 to 86400 seconds after ")
      line.append(cString: option)
      line.append(", found ")
      line.append(cString: found)
    case .instructionSet(let name, let error):
      line.append("--isa ")
      line.append(cString: name)
      line.append(": ")
      error.describe(to: &line)
    case .cpus(let list, let error):
      line.append("--cpus ")
      line.append(cString: list)
      line.append(": ")
      error.describe(to: &line)
    case .evaluateWith(let other):
      line.append("--evaluate cannot be combined with ")
      line.append(other)
    case .missingPlan:
      line.append("expected a plan, found none")
    case .strayWord(let word):
      line.append("expected one plan and options, found also ")
      line.append(cString: word)
    case .both(let first, let second):
      line.append("expected ")
      line.append(first)
      line.append(" or ")
      line.append(second)
      line.append(", found both")
    case .sameFile(let first, let second, let path):
      line.append(first)
      line.append(" and ")
      line.append(second)
      line.append(" name the same file ")
      line.append(cString: path)
    case .outOfMemory:
      line.append("out of memory")
    }
  }
}
