// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform
import ResNetRuntime

/// The command line, whose words live as long as the process.
struct Arguments: ToolArguments {
  private(set) var options = SharedOptions()
  private(set) var seconds = 3.0
  /// How many images a batch has; 1 if none was asked for.
  private(set) var batch = 1
  private(set) var perStep = false
  private(set) var json: UnsafePointer<CChar>?
  private(set) var csv: UnsafePointer<CChar>?
  private(set) var svg: UnsafePointer<CChar>?
  private(set) var baseline: UnsafePointer<CChar>?

  private var plan: UnsafePointer<CChar>?

  /// The plan's path.
  var model: UnsafePointer<CChar> { plan! }

  /// Reads the arguments of the process.
  static func parse() throws(UsageError) -> Arguments {
    var result = Arguments()
    try result.parse()
    return result
  }

  private mutating func parse() throws(UsageError) {
    var words = ArgumentWords()
    var perBlock = false
    while let word = try options.nextWord(of: &words) {
      guard word.isOption else {
        guard plan == nil else {
          throw .word("expected one plan and options, found also", word.text)
        }
        plan = word.text
        continue
      }
      if word.isNamed("--seconds") {
        seconds = try words.seconds(of: word)
      } else if word.isNamed("--batch") {
        batch = try words.number(of: word, in: 2...Session.batchLimit)
      } else if word.isNamed("--per-block") {
        perBlock = true
      } else if word.isNamed("--per-step") {
        perStep = true
      } else if word.isNamed("--json") {
        json = try words.value(of: word)
      } else if word.isNamed("--csv") {
        csv = try words.value(of: word)
      } else if word.isNamed("--svg") {
        svg = try words.value(of: word)
      } else if word.isNamed("--baseline") {
        baseline = try words.value(of: word)
      } else {
        throw .unknownOption(word.text)
      }
    }
    guard options.request == .work else { return }
    guard let plan else { throw .rule("expected a plan, found none") }
    if perBlock && perStep { throw .both("--per-block", "--per-step") }
    let outputs = try OutputPaths([
      NamedPath("--json", json), NamedPath("--csv", csv), NamedPath("--svg", svg),
      NamedPath("--tuning", options.tuningFile),
    ])
    try outputs.check("the plan", plan)
    if let baseline { try outputs.check("--baseline", baseline) }
  }
}

extension ArgumentWords {
  /// The value of an option that takes a time: digits, perhaps with a decimal point among them.
  fileprivate mutating func seconds(of option: Word) throws(UsageError) -> Double {
    let text = try value(of: option)
    var end: UnsafeMutablePointer<CChar>?
    let seconds = strtod(text, &end)
    guard strspn(text, ("0123456789." as StaticString).cString) == strlen(text), end!.pointee == 0,
      0.01...86400 ~= seconds
    else { throw .value(option.text, expected: "0.01 to 86400 seconds", found: text) }
    return seconds
  }
}
