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

  /// The bytes of a plan and of its session with four threads.
  private func needs(_ path: String) throws -> (file: Int, session: Int) {
    let text = try Tool.quantize("inspect", path, "--memory", "4096", "--threads", "4").lines
    let numbers = text.map { $0.split(separator: " ").compactMap { Int($0) } }
    return (numbers[0][0], numbers[1][0])
  }

  @Test func aMemoryLimitTakesTransformedWeightsAway() throws {
    let free = try needs(ShippedModel.float16())
    #expect(free.file + free.session > 64_000_000)
    for megabytes in [64, 40] {
      let limited = try plan(["--memory", "\(megabytes)"])
      let (file, session) = try needs(limited.path)
      #expect(file + session <= megabytes * 1_000_000)
      #expect(session < free.session)
      #expect(try forms(limited.path).contains { $0.hasPrefix("F(") })
    }
    let scratch = try Scratch()
    let path = scratch.path("a.plan")
    try Tool.quantize.fails(
      [ShippedModel.checkpoint, "--precision", "fp16", "--memory", "20", "-o", path],
      "expected memory of at least")
    #expect(try scratch.names() == [])
  }

  @Test func aBoardSetsFormsAndSums() throws {
    let scratch = try Scratch()
    let pi5 = scratch.path("pi5.plan")
    let arguments = ShippedModel.arguments + ["--precision", "fp16"]
    let said = try Tool.quantize(arguments + ["--for", "pi5", "-o", pi5]).text
    #expect(said.contains("for pi5: fp16 with the Winograd forms that are fastest on Cortex-A76"))
    #expect(said.contains("sums in fp16 where the photos show"))
    #expect(try forms(pi5).contains { $0.hasSuffix("fp16 sums") })
    let told = try Tool.quantize("inspect", pi5).text
    #expect(told.contains("pi5: Cortex-A76, with fp16 arithmetic"))
    // The expert's word comes before the board's, and no other board sums in fp16.
    for options in [["--for", "pi5", "--accumulate", "fp32"], ["--for", "pi4"]] {
      let other = try plan(options)
      #expect(try forms(other.path).allSatisfy { !$0.hasSuffix("fp16 sums") }, "\(options)")
    }
  }

  @Test func int8PlansAreTheSameForAllBoards() throws {
    let scratch = try Scratch()
    func constants(_ board: String) throws -> Substring {
      let path = scratch.path("\(board).plan")
      try Tool.quantize(ShippedModel.arguments + ["-q", "--for", board, "-o", path])
      let text = try Tool.quantize("inspect", path).text
      let steps = try #require(text.range(of: "\nstep "))
      return text[steps.lowerBound...]
    }
    #expect(try constants("n5105") == constants("pi5"))
  }
}
