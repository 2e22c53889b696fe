// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestPlans
import Testing
import ToolSupport

/// fp16 plans of the shipped checkpoint.
extension QuantizeTools.HalfPrecisionTests {
  private func plan(_ options: [String]) throws -> (scratch: Scratch, path: String) {
    let scratch = try Scratch()
    let path = scratch.path("half.plan")
    try Tool.quantize(ShippedModel.arguments + ["--precision", "fp16", "-o", path] + options)
    return (scratch, path)
  }

  /// Of every convolution: what `inspect` says after its format.
  private func forms(_ path: String) throws -> [String] {
    try Tool.quantize("inspect", path).lines.filter { $0.contains(" convolution ") }.map {
      $0.components(separatedBy: "fp16, ").dropFirst().joined(separator: "fp16, ")
    }
  }

  @Test(arguments: [["--winograd", "load"], ["--algorithm", "direct"]])
  func thePlanIsHalfAsLarge(options: [String]) throws {
    let (scratch, path) = try plan(options)
    #expect(try Data(path: path).count < 23_000_000)
    #expect(try scratch.names() == ["half.plan"])
  }

  @Test func inspectTellsFormsAndPlaces() throws {
    let made = try forms(ShippedModel.float16())
    #expect(made.count == 19)
    #expect(made.count { $0 == "F(4×4), 294 kB made" } == 4)
    #expect(made.count { $0 == "F(4×4), 1179 kB made" } == 3)
    // The first ones of stages 2 to 4 and their shortcuts have a stride.
    #expect(made.count { $0.isEmpty } == 6)
    let stored = try plan(["--winograd", "plan", "--winograd-limit", "3"])
    let storedForms = try forms(stored.path)
    #expect(storedForms.contains("F(4×4), 294 kB stored"))
    #expect(!storedForms.contains { $0.contains("4718 kB") })
    let direct = try plan(["--algorithm", "direct"])
    #expect(try Set(forms(direct.path)) == [""])
    #expect(try forms(ShippedModel.halfSums()).allSatisfy { $0.hasSuffix("fp16 sums") })
  }

  @Test func inspectShowsAnyProvenance() throws {
    let scratch = try Scratch()
    let file = try TestNetwork.basic.plan(inputSize: 32) { $0.provenance = ":\n::\nno colon\na: b" }
    let result = try Tool.quantize("inspect", scratch.write(file, to: "a.plan"))
    #expect(result.text.contains("no colon"))
  }
}
