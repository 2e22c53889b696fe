// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlanFormat
public import ResNetPlatform
public import ResNetRuntime

/// What a tool tells its caller.
public enum ExitStatus: Int32 {
  /// Everything was done.
  case success = 0
  /// Something failed, which standard error tells.
  case failure = 1
  /// The command line is wrong.
  case wrongUsage = 2
}

/// The command line of a tool.
public protocol ToolArguments: ~Copyable {
  /// The options that all tools share.
  var options: SharedOptions { get }

  /// Reads the arguments of the process.
  static func parse() throws(UsageError) -> Self
}

/// A command-line tool: its name, its help and how it ends.
public struct Tool: Sendable {
  private let name: StaticString
  private let help: StaticString

  /// Describes a tool.
  ///
  /// - Parameters:
  ///   - name: what its messages start with.
  ///   - help: the text that `--help` prints.
  public init(name: StaticString, help: StaticString) {
    self.name = name
    self.help = help
  }

  /// Does what the command line asks for.
  ///
  /// - Parameter work: what the tool is for; returns whether all of it was done and throws why it
  ///   cannot go on.
  public func run<Arguments: ToolArguments & ~Copyable, Failure: Error & TextDescribable>(
    _ work: (borrowing Arguments) throws(Failure) -> Bool
  ) -> ExitStatus {
    rn_begin_tool(name.cString)
    let arguments: Arguments
    do throws(UsageError) {
      arguments = try Arguments.parse()
    } catch {
      complain("\(error); try \(name) --help")
      return .wrongUsage
    }
    do throws(Failure) {
      switch arguments.options.request {
      case .help: return end(printHelp())
      case .version: return end(printVersion())
      case .work: return try work(arguments) ? .success : .failure
      }
    } catch {
      complain("\(error)")
      return .failure
    }
  }

  /// Tells if a session has fewer threads than the options ask for, because the system started fewer.
  public func tellThreads(of session: borrowing Session, _ options: SharedOptions) {
    guard session.threads < options.threads else { return }
    complain(
      "the system started \(session.threads) of \(options.threads) threads; going on with them")
  }

  /// Writes one line to standard error, after the name of the tool.
  public func complain(_ message: TextLine) {
    var line: TextLine = "\(name): \(message)"
    line.writeLine(to: STDERR_FILENO)
  }

  private func end(_ isPrinted: Bool) -> ExitStatus {
    if isPrinted { return .success }
    complain("\(ToolFailure.standardOutput(errno: rn_errno()))")
    return .failure
  }

  private func printHelp() -> Bool {
    var rest = UnsafeBufferPointer(start: help.utf8Start, count: help.utf8CodeUnitCount)[...]
    while !rest.isEmpty {
      var text = TextLine()
      text.append(UnsafeBufferPointer(rebasing: rest.prefix(TextLine.capacity)))
      guard text.write(to: STDOUT_FILENO) else { return false }
      rest = rest.dropFirst(TextLine.capacity)
    }
    return true
  }

  private func printVersion() -> Bool {
    var text: TextLine = "\(name) \(packageVersion) (plan format \(PlanLayout.version))"
    return text.writeLine(to: STDOUT_FILENO)
  }
}
