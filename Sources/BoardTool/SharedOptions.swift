// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
public import ResNetRuntime

/// The options that every board tool has: `--threads`, `--cpus`, `--isa`, `--memory`, `--load`, `--tuning`,
/// `--no-tuning`, `--help` and `--version`.
public struct SharedOptions {
  /// What the command line asks for in the first place.
  public enum Request {
    /// The tool's work.
    case work
    /// The help text; nothing after the option was read.
    case help
    /// The version; nothing after the option was read.
    case version
  }

  /// What is asked for.
  public private(set) var request = Request.work
  /// The number of threads, 1…64.
  public private(set) var threads = Session.defaultThreadCount
  /// Where the threads run, as many as ``threads``; nil leaves it to the system.
  public private(set) var cpus: CPUList?
  /// The highest level to use; nil if the command line does not tell.
  public private(set) var instructionSet: InstructionSet?

  /// Bytes for the plan and the session; nil for no limit.
  public private(set) var memoryLimit: Int?
  /// Whether the plan is read into memory instead of mapped.
  public private(set) var isLoaded = false
  /// The file that keeps the tuning.
  public private(set) var tuningFile: UnsafePointer<CChar>?
  /// Whether the session stays without exact forms.
  public private(set) var isUntuned = false

  private var hasThreads = false

  /// No options.
  public init() {}

  /// The next word that is none of these options, or nil after the last and after `--help` and `--version`.
  public mutating func nextWord(
    of words: inout ArgumentWords
  ) throws(UsageError) -> ArgumentWords.Word? {
    while let word = words.next() {
      guard word.isOption else { return word }
      if word.isNamed("--help") || word.isNamed("-h") {
        request = .help
        return nil
      } else if word.isNamed("--version") {
        request = .version
        return nil
      } else if word.isNamed("--threads") {
        threads = try words.number(of: word, in: 1...64)
        hasThreads = true
      } else if word.isNamed("--cpus") {
        cpus = try words.cpus(of: word)
      } else if word.isNamed("--isa") {
        instructionSet = try words.instructionSet(of: word)
      } else if word.isNamed("--memory") {
        memoryLimit = try words.number(of: word, in: 1...1 << 20) * 1_000_000
      } else if word.isNamed("--load") {
        isLoaded = true
      } else if word.isNamed("--tuning") {
        tuningFile = try words.value(of: word)
      } else if word.isNamed("--no-tuning") {
        isUntuned = true
      } else {
        return word
      }
    }
    if let cpus {
      guard !hasThreads else { throw .both("--cpus", "--threads") }
      threads = cpus.count
    }
    if isUntuned, tuningFile != nil { throw .both("--tuning", "--no-tuning") }
    return nil
  }
}
