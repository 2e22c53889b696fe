// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

extension BoardTools.EvaluateTests {
  private struct Report: Decodable {
    var top1: Double
    var top5: Double
    var images: Int
    var unreadable: Int
  }

  private struct Line: Decodable {
    struct Label: Decodable { var index: Int }
    var top: [Label]
  }

  @Test func folderErrors() throws {
    let plan = try RandomPlan.full()
    let scratch = try Scratch()
    try Tool.run.fails([plan, "--evaluate", "/nonexistent"], "cannot read the folder")
    try Tool.run.fails([plan, "--evaluate", scratch.url.path], "found none")
    try scratch.makeFolder("fish")
    try Tool.run.fails(
      [plan, "--evaluate", scratch.url.path], "1000 classes, found 1 folder of another")
  }

  @Test func sortedFoldersStandForClassesWithoutNames() throws {
    let plan = try RandomPlan.full()
    let photo = Repository.example("tench")
    let top = try Tool.run(plan, photo, "--json").decoded(Line.self)[0].top.map(\.index)

    // One photo three times: in the folder of its first, of its fifth and of no class in the top.
    let scratch = try Scratch()
    let folders = (0..<1000).map { String(format: "%04d", $0) }
    for folder in folders { try scratch.makeFolder(folder) }
    let outside = try #require(folders.indices.first { !top.contains($0) })
    for label in [top[0], top[4], outside] {
      try scratch.copy(photo, to: "\(folders[label])/tench.JPEG")
    }
    let arguments = [plan, "--evaluate", scratch.url.path, "--json"]
    let result = try Tool.run(arguments)
    #expect(result.errors.contains("no folder is named after a class"))
    let report = try result.decoded(Report.self)[0]
    #expect(report.images == 3)
    #expect(report.unreadable == 0)
    #expect(abs(report.top1 - 1.0 / 3) < 1e-6)
    #expect(abs(report.top5 - 2.0 / 3) < 1e-6)

    try scratch.write(Data("no image".utf8), to: "0000/a.png")
    let damaged = try Tool.run.end(arguments)
    #expect(damaged.status == 1)
    #expect(damaged.errors.contains("0000/a.png: expected a JPEG or PNG"))
    let counted = try damaged.decoded(Report.self)[0]
    #expect(counted.images == 3)
    #expect(counted.unreadable == 1)
  }
}
