// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetRuntime

/// The command line, which lives as long as the process.
struct Arguments: ToolArguments, ~Copyable {
  /// What a report is written as.
  enum ReportFormat { case html, json }

  private(set) var options = SharedOptions()
  private(set) var json = false
  private(set) var isFlipped = false
  /// The share of the photos that may be rejected; nil if nothing is to be.
  private(set) var rejects: Double?
  private(set) var keptFeatures: UnsafePointer<CChar>?
  private(set) var report: (path: UnsafePointer<CChar>, format: ReportFormat)?

  private var plan: UnsafePointer<CChar>?
  private var folder: UnsafePointer<CChar>?
  private var result: UnsafePointer<CChar>?

  /// The plan's path.
  var model: UnsafePointer<CChar> { plan! }
  /// The folder of the classes.
  var photos: UnsafePointer<CChar> { folder! }
  /// The plan to write.
  var output: UnsafePointer<CChar> { result! }

  /// Reads the arguments of the process.
  static func parse() throws(UsageError) -> Arguments {
    var words = ArgumentWords()
    var result = Arguments()
    try result.parse(&words)
    return result
  }

  private mutating func parse(_ words: inout ArgumentWords) throws(UsageError) {
    while let word = try options.nextWord(of: &words) {
      if !word.isOption {
        guard plan == nil else { throw .word("expected one plan, found another:", word.text) }
        plan = word.text
      } else if word.isNamed("--photos") {
        folder = try words.value(of: word)
      } else if word.isNamed("-o") || word.isNamed("--output") {
        result = try words.value(of: word)
      } else if word.isNamed("--flip") {
        isFlipped = true
      } else if word.isNamed("--json") {
        json = true
      } else if word.isNamed("--keep-features") {
        keptFeatures = try words.value(of: word)
      } else if word.isNamed("--report") {
        try parseReport(words.value(of: word), of: word)
      } else if word.isNamed("--reject") {
        try parsePercentage(words.value(of: word), of: word)
      } else {
        throw .unknownOption(word.text)
      }
    }
    guard options.request == .work else { return }
    guard plan != nil else { throw .rule("expected a plan, found none") }
    guard folder != nil else { throw .rule("expected --photos DIR, found none") }
    guard result != nil else { throw .rule("expected the plan to write, -o FILE, found none") }
    let outputs = try OutputPaths([
      NamedPath("-o", result), NamedPath("--report", report?.path),
      NamedPath("--keep-features", keptFeatures), NamedPath("--tuning", options.tuningFile),
    ])
    try outputs.check("the plan", model)
  }

  private mutating func parseReport(
    _ path: UnsafePointer<CChar>, of option: ArgumentWords.Word
  ) throws(UsageError) {
    func ends(_ suffix: StaticString) -> Bool {
      let (count, length) = (strlen(path), suffix.utf8CodeUnitCount)
      return count > length
        && strcmp(
          path + (count - length),
          UnsafeRawPointer(suffix.utf8Start).assumingMemoryBound(to: CChar.self)) == 0
    }
    if ends(".html") {
      report = (path, .html)
    } else if ends(".json") {
      report = (path, .json)
    } else {
      throw .value(option.text, expected: "a file named .html or .json", found: path)
    }
  }

  /// Reads a number of 0 to 50 with at most three decimals, and perhaps a percent sign.
  private mutating func parsePercentage(
    _ text: UnsafePointer<CChar>, of option: ArgumentWords.Word
  ) throws(UsageError) {
    var (next, value, unit, digits) = (text, 0, 1000, 0)
    while 0x30...0x39 ~= next.pointee, digits < 2 {
      value = 10 * value + 1000 * (Int(next.pointee) - 0x30)
      next += 1
      digits += 1
    }
    if digits > 0, next.pointee == 0x2E {
      next += 1
      while 0x30...0x39 ~= next.pointee, unit > 1 {
        unit /= 10
        value += unit * (Int(next.pointee) - 0x30)
        next += 1
      }
    }
    if next.pointee == 0x25 { next += 1 }
    guard digits > 0, next.pointee == 0, value <= 50_000 else {
      throw .value(option.text, expected: "a share of 0% to 50%, such as 2%", found: text)
    }
    rejects = Double(value) / 100_000
  }
}
