// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestPlans
import Testing
import ToolSupport

/// A plan whose file somebody changes while frames are classified.
extension BoardTools.ChangedPlanTests {
  /// What happens to the file between two frames.
  enum Change: CaseIterable {
    case zeros, ones, noise, otherPlan, shorter, empty, renamed

    func apply(to path: String, _ scratch: Scratch) throws {
      if self == .renamed {
        _ = rename(try scratch.write(Data("another file".utf8), to: "new"), path)
        return
      }
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
      defer { try? file.close() }
      let count = Int(try file.seekToEnd())
      try file.seek(toOffset: 0)
      switch self {
      case .zeros: try file.write(contentsOf: Data(count: count))
      case .ones: try file.write(contentsOf: Data(repeating: 0xFF, count: count))
      case .noise: try file.write(contentsOf: Data(randomBytes(count, seed: 1)))
      // As `cp` does it.
      case .otherPlan: try file.write(contentsOf: Data(path: RandomPlan.full()))
      case .shorter: try file.truncate(atOffset: 4096)
      case .empty: try file.truncate(atOffset: 0)
      case .renamed: break
      }
    }
  }

  /// Three frames, with a change after the first.
  private func run(_ change: Change, _ options: [String]) throws -> ToolResult {
    let scratch = try Scratch()
    let path = try scratch.write(Data(path: RandomPlan.small()), to: "model.plan")
    let tool = try PipedTool(.run, [path, "--raw", "80x64:gray8", "-"] + options)
    let frame = Data(count: 80 * 64)
    tool.write(frame)
    // The line of the first frame: the plan is open, and has run.
    let first = tool.nextOutput()
    try change.apply(to: path, scratch)
    tool.write(frame)
    tool.write(frame)
    var result = try tool.end()
    result.output = first + result.output
    return result
  }

  @Test(arguments: Change.allCases, [["--no-tuning"], ["--threads", "2"]])
  func theToolGoesOnOrEndsInOneLine(change: Change, options: [String]) throws {
    let result = try run(change, options)
    #expect(!result.isCrash, "\(result.errors)")
    if result.status == 0 {
      #expect(result.lines.count == 3)
    } else {
      #expect(change == .shorter || change == .empty)
      #expect(
        result.errors.hasSuffix(
          "resnet-run: a file in use became shorter or cannot be read any more; "
            + "replace files by renaming\n"), "\(result.errors)")
      #expect(result.status == 1)
    }
  }

  @Test(arguments: Change.allCases) func aLoadedPlanStaysAsItWas(change: Change) throws {
    struct Line: Decodable {
      var index: Int
      var probability: Double
    }
    let result = try run(change, ["--load"])
    #expect(result.status == 0 && !result.isCrash, "\(result.errors)")
    let lines = try result.decoded(Line.self)
    #expect(lines.count == 3)
    #expect(Set(lines.map(\.probability)).count == 1 && Set(lines.map(\.index)).count == 1)
  }
}
