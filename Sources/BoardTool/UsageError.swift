// SPDX-License-Identifier: Apache-2.0

public import ResNetPlatform
public import ResNetRuntime

/// What is wrong with a command line.
///
/// Rules that only one tool has come with the tool's own words.
// Unchecked: the words of the command line live unchanged as long as the process.
public enum UsageError: Error, TextDescribable, @unchecked Sendable {
  /// A rule about the whole line is broken.
  case rule(StaticString)
  /// A word breaks a rule, which ends in "found" or the like.
  case word(StaticString, UnsafePointer<CChar>)
  /// There is no option of that name.
  case unknownOption(UnsafePointer<CChar>)
  /// An option lacks its value.
  case missingValue(UnsafePointer<CChar>)
  /// The value of an option is no number in the range.
  case number(UnsafePointer<CChar>, ClosedRange<Int>, found: UnsafePointer<CChar>)
  /// The value of an option is not what the tool expects.
  case value(UnsafePointer<CChar>, expected: StaticString, found: UnsafePointer<CChar>)
  /// The value of `--isa` names no usable instruction set.
  case instructionSet(UnsafePointer<CChar>, SessionError)
  /// The value of `--cpus` is no list of usable CPUs.
  case cpus(UnsafePointer<CChar>, SessionError)
  /// An option makes sense only with another.
  case onlyWith(StaticString, StaticString)
  /// Two options exclude each other.
  case both(StaticString, StaticString)
  /// An option, the first, does not allow something else.
  case notWith(StaticString, StaticString)
  /// Two words lead to the same file, which the second one is to write.
  case sameFile(
    StaticString, UnsafePointer<CChar>, StaticString, UnsafePointer<CChar>)
  /// There is no memory for the words.
  case outOfMemory

  public func describe(to line: inout TextLine) {
    switch self {
    case .rule(let rule): line.append(rule)
    case .word(let rule, let word): line.append("\(rule) \(word)")
    case .unknownOption(let option): line.append("unknown option \(option)")
    case .missingValue(let option): line.append("expected a value after \(option)")
    case .number(let option, let range, let found):
      line.append("expected a number from \(range.lowerBound) to \(range.upperBound)")
      line.append(" after \(option), found \(found)")
    case .value(let option, let expected, let found):
      line.append("expected \(expected) after \(option), found \(found)")
    case .instructionSet(let name, let error): line.append("--isa \(name): \(error)")
    case .cpus(let list, let error): line.append("--cpus \(list): \(error)")
    case .onlyWith(let option, let other):
      line.append("\(option) makes sense only with \(other)")
    case .both(let first, let second):
      line.append("expected \(first) or \(second), found both")
    case .notWith(let option, let other):
      line.append("\(option) cannot be combined with \(other)")
    case .sameFile(let first, let a, let second, let b):
      line.append("expected different files for \(first) and \(second), found \(a) and \(b)")
    case .outOfMemory: line.append("out of memory")
    }
  }
}
