// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlatform
public import ResNetRuntime

/// The words of the command line after the program's name, one by one.
public struct ArgumentWords {
  private let words = rn_arguments()!
  private var position = 1
  private var optionsAreOver = false

  /// How many words there are, with the program's name.
  public let count = Int(rn_argument_count())

  /// The words of this process.
  public init() {}

  /// One word of the command line.
  public struct Word {
    /// The word, ended by a zero byte; it lives as long as the process.
    public let text: UnsafePointer<CChar>
    /// Whether it starts with a dash and is none of the words after `--`.
    public let isOption: Bool

    /// Whether the word is the option `name`.
    public func isNamed(_ name: StaticString) -> Bool {
      strcmp(text, name.cString) == 0
    }
  }

  /// The next word, or nil after the last. A word `--` ends the options and is skipped.
  public mutating func next() -> Word? {
    guard let text = nextText() else { return nil }
    // A single dash is a file name here, like any other.
    let isOption = !optionsAreOver && text[0] == 0x2D && text[1] != 0
    let word = Word(text: text, isOption: isOption)
    guard isOption, word.isNamed("--") else { return word }
    optionsAreOver = true
    return next()
  }

  /// The value of an option: the word after it.
  public mutating func value(of option: Word) throws(UsageError) -> UnsafePointer<CChar> {
    guard let text = nextText(), text[0] != 0 else { throw .missingValue(option.text) }
    return text
  }

  /// The value of an option that takes a number.
  public mutating func number(
    of option: Word, in range: ClosedRange<Int>
  ) throws(UsageError) -> Int {
    let text = try value(of: option)
    var number = 0
    var next = text
    while next.pointee != 0 {
      let digit = Int(next.pointee) - 0x30
      guard 0...9 ~= digit, number <= range.upperBound else {
        throw .number(option.text, range, found: text)
      }
      number = number * 10 + digit
      next += 1
    }
    guard range.contains(number) else { throw .number(option.text, range, found: text) }
    return number
  }

  /// The value of an option that takes the name of an instruction set.
  public mutating func instructionSet(of option: Word) throws(UsageError) -> InstructionSet {
    let name = try value(of: option)
    do throws(SessionError) {
      return try InstructionSet(named: name)
    } catch {
      throw .instructionSet(name, error)
    }
  }

  /// The value of an option that takes a list of CPUs.
  public mutating func cpus(of option: Word) throws(UsageError) -> CPUList {
    let text = try value(of: option)
    do throws(SessionError) {
      return try CPUList(parsing: text)
    } catch {
      throw .cpus(text, error)
    }
  }

  private mutating func nextText() -> UnsafePointer<CChar>? {
    guard position < count, let text = words[position] else { return nil }
    position += 1
    return UnsafePointer(text)
  }
}
