// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetRuntime

/// The command line, whose words live as long as the process.
struct Arguments {
  private(set) var wantsHelp = false
  private(set) var threads = Session.defaultThreadCount
  private(set) var cpus: CPUList?
  private(set) var instructionSet: InstructionSet?
  private(set) var seconds = 3.0
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
    var hasThreads = false
    while let word = words.next() {
      guard word.isOption else {
        guard plan == nil else { throw .strayWord(word.text) }
        plan = word.text
        continue
      }
      if word.isNamed("--help") || word.isNamed("-h") {
        wantsHelp = true
        return
      } else if word.isNamed("--threads") {
        threads = try words.number(of: word, in: 1...64)
        hasThreads = true
      } else if word.isNamed("--cpus") {
        cpus = try words.cpus(of: word)
      } else if word.isNamed("--isa") {
        instructionSet = try words.instructionSet(of: word)
      } else if word.isNamed("--seconds") {
        seconds = try words.seconds(of: word)
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
    guard plan != nil else { throw .missingPlan }
    if let cpus {
      guard !hasThreads else { throw .both("--cpus", "--threads") }
      threads = cpus.count
    }
    if perBlock && perStep { throw .both("--per-block", "--per-step") }
    try checkDifferent("--json", json, "--csv", csv)
    try checkDifferent("--json", json, "--svg", svg)
    try checkDifferent("--csv", csv, "--svg", svg)
  }

  private func checkDifferent(
    _ first: StaticString, _ a: UnsafePointer<CChar>?,
    _ second: StaticString, _ b: UnsafePointer<CChar>?
  ) throws(UsageError) {
    if let a, let b, strcmp(a, b) == 0 { throw .sameFile(first, second, a) }
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
    else { throw .seconds(option.text, found: text) }
    return seconds
  }
}
