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
      ["--random", architecture, "--input-size", "\(size)", "--outputs", "10", "-q", "-o", plan]
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

  /// Winograd is exact: a plan with the transformed weights of every level gives the logits of the
  /// plan without, which is what `ref` runs.
  private func checkTargets(_ architecture: String, size: Int) throws {
    let targets = ["sse42", "avx2", "avx512vnni"].flatMap { ["--target", $0] }
    let (scratch, plan) = try random(architecture, size: size, targets)
    let steps = try Tool.quantize("inspect", plan).text
    for target in ["sse42", "avx2"] { #expect(steps.contains(target)) }
    let reference = try logits(plan, ["--isa", "ref", "--threads", "2"])
    #expect(InstructionSet.available.count > 1)
    for isa in InstructionSet.available.dropFirst().map(\.name) {
      for threads in ["1", "3"] {
        #expect(try logits(plan, ["--isa", isa, "--threads", threads]) == reference, "\(isa)")
      }
    }
    withExtendedLifetime(scratch) {}
  }

  @Test func targetsOfASmallImage() throws { try checkTargets("resnet18", size: 97) }

  @Test(.slow, arguments: [("resnet18", 224), ("resnet50", 160)])
  func targets(architecture: String, size: Int) throws {
    try checkTargets(architecture, size: size)
  }

  @Test func shippedModelInBothPrecisions() throws {
    for plan in [try ShippedModel.int8(), try ShippedModel.float32()] {
      #expect(try logits(plan) == logits(plan, ["--isa", "ref"]))
    }
  }
}
