// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetRuntime
import Testing
import ToolSupport

/// One answer whatever the instruction set and the threads.
extension BoardTools.SameAnswerTests {
  private var photos: [String] { ["tench", "church"].map(Repository.example) }

  private func logits(_ plan: String, _ options: [String] = []) throws -> [[UInt32]] {
    try vectors("logits", plan: plan, photos: photos, width: 10, options: options)
      .map { $0.map(\.bitPattern) }
  }

  private func random(
    _ architecture: String, size: Int, _ options: [String] = []
  ) throws -> (scratch: Scratch, plan: String) {
    let scratch = try Scratch()
    let plan = scratch.path("random.plan")
    try Tool.quantize(
      [
        "--random", architecture, "--input-size", "\(size)", "--class-count", "10", "-q", "-o",
        plan,
      ]
        + options)
    return (scratch, plan)
  }

  private func check(_ architecture: String, size: Int, _ options: [String] = []) throws {
    let (scratch, plan) = try random(architecture, size: size, options)
    let reference = try logits(plan, ["--isa", "ref", "--threads", "2"])
    #expect(reference[0] != reference[1])
    #expect(try logits(plan, ["--threads", "1"]) == reference)
    #expect(try logits(plan, ["--threads", "3"]) == reference)
    withExtendedLifetime(scratch) {}
  }

  @Test(arguments: [224, 160, 97, 32]) func resNet18(size: Int) throws {
    try check("resnet18", size: size)
  }

  @Test(
    .slow, arguments: ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"],
    [[], ["--zero-init-residual"]])
  func otherNetworks(architecture: String, options: [String]) throws {
    for size in architecture.count > 8 ? [97] : [224, 160, 97] {
      try check(architecture, size: size, options)
    }
  }

  @Test(.slow) func largestImage() throws {
    try check("resnet18", size: 1024, ["--zero-init-residual"])
  }

  /// Every convolution in an exact form, and whatever is measured, give the logits of direct sums.
  private func checkForms(_ architecture: String, size: Int) throws {
    let (scratch, plan) = try random(architecture, size: size)
    let reference = try logits(plan, ["--isa", "ref", "--threads", "2"])
    #expect(InstructionSet.available.count > 1)
    for isa in InstructionSet.available.dropFirst().map(\.name) {
      for threads in ["1", "3"] {
        let options = ["--isa", isa, "--threads", threads]
        let forms = try recordForms(plan, options, in: scratch) { try Tool.run($0) }
        #expect(try logits(plan, forms) == reference, "\(isa)")
        let measured = scratch.path("\(isa)-\(threads)")
        #expect(try logits(plan, options + ["--tuning", measured]) == reference, "\(isa)")
        #expect(FileManager.default.fileExists(atPath: measured))
      }
    }
  }

  @Test func formsOfASmallImage() throws { try checkForms("resnet18", size: 97) }

  @Test(.slow, arguments: [("resnet18", 224), ("resnet50", 160)])
  func forms(architecture: String, size: Int) throws {
    try checkForms(architecture, size: size)
  }

  @Test func shippedModelInBothPrecisions() throws {
    for plan in [try ShippedModel.int8(), try ShippedModel.float32()] {
      #expect(try logits(plan) == logits(plan, ["--isa", "ref"]))
    }
  }

  @Test func shippedModelWithCodedConvolutions() throws {
    let plan = try ShippedModel.fast()
    let reference = try logits(plan, ["--isa", "ref"])
    for isa in InstructionSet.available.map(\.name) {
      for threads in 1...8 {
        #expect(try logits(plan, ["--isa", isa, "--threads", "\(threads)"]) == reference, "\(isa)")
      }
    }
    #expect(try logits(ShippedModel.int8()) != reference)
  }
}
