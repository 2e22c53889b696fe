// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

final class EvaluateTests: XCTestCase {
  private struct Report: Decodable {
    var top1: Double
    var top5: Double
    var images: Int
    var unreadable: Int
  }

  private let files = FileManager.default

  private func addFolder(_ name: String, to scratch: Scratch, photos: [String]) throws {
    let folder = scratch.url.appendingPathComponent(name)
    try files.createDirectory(at: folder, withIntermediateDirectories: true)
    for photo in photos {
      try files.copyItem(
        atPath: Repository.example(photo), toPath: folder.path + "/\(photo).JPEG")
    }
  }

  func testFolderErrors() throws {
    let plan = try RandomPlan.path()
    let scratch = try Scratch()
    assertFailure(try Tool.run(plan, "--evaluate", "/nonexistent"), "cannot read the folder")
    assertFailure(try Tool.run(plan, "--evaluate", scratch.url.path), "found none")
    try addFolder("fish", to: scratch, photos: [])
    assertFailure(
      try Tool.run(plan, "--evaluate", scratch.url.path), "1000 classes, found 1 folder of another")
  }

  func testSortedFoldersStandForClassesWithoutNames() throws {
    let plan = try RandomPlan.path()
    let photo = Repository.example("tench")
    struct Line: Decodable {
      struct Label: Decodable { var index: Int }
      var top: [Label]
    }
    let line = try JSONDecoder().decode(
      Line.self, from: Tool.run(plan, photo, "--json").output)

    // One photo three times: in the folder of its first, of its fifth and of no class in the top.
    let scratch = try Scratch()
    for label in 0..<1000 {
      try addFolder(String(format: "%04d", label), to: scratch, photos: [])
    }
    let outside = try XCTUnwrap(
      (0..<1000).first { index in !line.top.contains { $0.index == index } })
    for label in [line.top[0].index, line.top[4].index, outside] {
      try addFolder(String(format: "%04d", label), to: scratch, photos: ["tench"])
    }
    let result = try Tool.run(plan, "--evaluate", scratch.url.path, "--json")
    XCTAssertEqual(result.status, 0, result.errors)
    XCTAssertTrue(result.errors.contains("no folder is named after a class"), result.errors)
    let report = try JSONDecoder().decode(Report.self, from: result.output)
    XCTAssertEqual(report.images, 3)
    XCTAssertEqual(report.unreadable, 0)
    XCTAssertEqual(report.top1, 1.0 / 3, accuracy: 1e-6)
    XCTAssertEqual(report.top5, 2.0 / 3, accuracy: 1e-6)

    try Data("no image".utf8).write(to: scratch.url.appendingPathComponent("0000/a.png"))
    let damaged = try Tool.run(plan, "--evaluate", scratch.url.path, "--json")
    XCTAssertEqual(damaged.status, 1)
    XCTAssertTrue(damaged.errors.contains("0000/a.png: expected a JPEG or PNG"), damaged.errors)
    let counted = try JSONDecoder().decode(Report.self, from: damaged.output)
    XCTAssertEqual(counted.images, 3)
    XCTAssertEqual(counted.unreadable, 1)
  }
}
