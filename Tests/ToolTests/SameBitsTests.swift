// SPDX-License-Identifier: Apache-2.0

import Foundation
import XCTest

/// One answer whatever the instruction set and the threads.
final class SameBitsTests: XCTestCase {
  private let photos = ["tench", "church"].map(Repository.example)

  private func check(_ architecture: String, size: Int, _ options: [String] = []) throws {
    let scratch = try Scratch()
    let plan = scratch.path("random.plan")
    let made = try Tool.quantize.run(
      ["--random", architecture, "--input-size", "\(size)", "--outputs", "10", "-q", "-o", plan]
        + options)
    XCTAssertEqual(made.status, 0, made.errors)
    func logits(_ options: [String]) throws -> [[UInt32]] {
      try vectors("logits", plan: plan, photos: photos, width: 10, options: options)
        .map { $0.map(\.bitPattern) }
    }
    let reference = try logits(["--isa", "ref", "--threads", "2"])
    XCTAssertNotEqual(reference[0], reference[1], "\(architecture) \(size) \(options)")
    XCTAssertEqual(try logits(["--threads", "1"]), reference, "\(architecture) \(size) \(options)")
    XCTAssertEqual(try logits(["--threads", "3"]), reference, "\(architecture) \(size) \(options)")
  }

  func testResNet18() throws { for size in [224, 160, 97] { try check("resnet18", size: size) } }

  func testResNet34() throws { for size in [224, 160, 97] { try check("resnet34", size: size) } }

  func testResNet50() throws { for size in [224, 160, 97] { try check("resnet50", size: size) } }

  func testDeepNetworks() throws {
    for architecture in ["resnet101", "resnet152"] {
      try check(architecture, size: 97)
      try check(architecture, size: 97, ["--zero-init-residual"])
    }
  }

  func testZeroInitResidual() throws {
    for architecture in ["resnet18", "resnet34", "resnet50"] {
      for size in [224, 160, 97] {
        try check(architecture, size: size, ["--zero-init-residual"])
      }
    }
  }

  /// Winograd is exact: a plan with the transformed weights of every level gives the logits of the
  /// plan without, which is what `ref` runs.
  func testTargets() throws {
    let targets = ["sse42", "avx2", "avx512vnni"].flatMap { ["--target", $0] }
    for (architecture, size) in [("resnet18", 224), ("resnet18", 97), ("resnet50", 160)] {
      let scratch = try Scratch()
      let plan = scratch.path("targets.plan")
      let made = try Tool.quantize.run(
        ["--random", architecture, "--input-size", "\(size)", "--outputs", "10", "-q", "-o", plan]
          + targets)
      XCTAssertEqual(made.status, 0, made.errors)
      let steps = try Tool.quantize("inspect", plan).text
      for target in ["sse42", "avx2"] {
        XCTAssertTrue(steps.contains("\(target)"), steps)
      }
      func logits(_ isa: String, _ threads: Int) throws -> [[UInt32]] {
        try vectors(
          "logits", plan: plan, photos: photos, width: 10,
          options: ["--isa", isa, "--threads", "\(threads)"]
        ).map { $0.map(\.bitPattern) }
      }
      let reference = try logits("ref", 2)
      let levels = try ["sse42", "avx2", "avxvnni", "avx512vnni"].filter {
        try Tool.run.run([plan, "--isa", $0, photos[0]]).status == 0
      }
      XCTAssertTrue(levels.contains("sse42"))
      for isa in levels {
        for threads in [1, 3] {
          XCTAssertEqual(try logits(isa, threads), reference, "\(architecture) \(size) \(isa)")
        }
      }
    }
  }

  func testSmallestAndLargestImage() throws {
    try check("resnet18", size: 32)
    try check("resnet18", size: 1024, ["--zero-init-residual"])
  }

  func testShippedModelInBothPrecisions() throws {
    for plan in [try ShippedModel.int8(), try ShippedModel.float32()] {
      let reference = try vectors(
        "logits", plan: plan, photos: photos, width: 10, options: ["--isa", "ref"])
      let best = try vectors("logits", plan: plan, photos: photos, width: 10)
      XCTAssertEqual(best.map { $0.map(\.bitPattern) }, reference.map { $0.map(\.bitPattern) })
    }
  }
}
