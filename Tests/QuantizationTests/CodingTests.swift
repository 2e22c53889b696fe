// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import TestPlans
import Testing

/// How convolutions come to code their inputs.
@Suite struct CodingTests {
  /// Wide enough that coded forms save time.
  private static let network = TestNetwork("wide", .basic, [1, 1], [64, 64])

  private func quantization(threads: Int = 2) throws -> Quantization {
    try Quantization(
      of: Self.network.program(inputSize: 64).model, on: RandomImages(count: 8, seed: 3),
      method: .minMax, threads: threads)
  }

  @Test func formsAreGivenUpUntilTheLimit() throws {
    var all = try quantization()
    try all.codeConvolutions(keeping: 0)
    #expect(
      all.codedLayers.map(\.name)
        == ["layer1.0.conv1", "layer1.0.conv2"], "layer2.0.conv2 is too small to save time")
    #expect(all.codedLayers.allSatisfy { $0.saving >= 0.1 && $0.decibels.isFinite })
    let noise = try all.compareHeldOut().logits.decibels
    let direct = try quantization().compareHeldOut().logits.decibels
    #expect(noise < direct && noise > 15, "\(noise) dB, direct \(direct)")

    var some = try quantization()
    let limit = (noise + direct) / 2
    try some.codeConvolutions(keeping: limit)
    #expect(try some.compareHeldOut().logits.decibels >= limit)
    #expect(some.codedLayers.count < 2 || some.codedLayers.contains { $0.form == .coded2x2 })

    var none = try quantization()
    try none.codeConvolutions(keeping: direct + 1)
    #expect(none.codedLayers.isEmpty && none.scheme.codings.isEmpty)
    #expect(try Planner.plan(none.scheme) == Planner.plan(quantization().scheme))
  }

  @Test func threadsDoNotMatter() throws {
    func plan(_ threads: Int) throws -> [UInt8] {
      var quantization = try quantization(threads: threads)
      try quantization.codeConvolutions(keeping: 0)
      return try Planner.plan(quantization.scheme)
    }
    #expect(try plan(1) == plan(3))
  }

  /// Codes twice as fine clip, and codes half as fine round: both add more noise, as does another zero.
  @Test(arguments: [Arithmetic.Algorithm.coded2x2, .coded4x4])
  func stepsHaveTheLeastNoise(form: Arithmetic.Algorithm) throws {
    let quantization = try quantization()
    let name = "layer1.0.conv2"
    let operation = try #require(
      quantization.scheme.model.program.operations.firstIndex { $0.name == name })
    let coding = try #require(
      quantization.sample.codings(
        quantization.scheme, [(operation, form)], threads: 2, progress: { _, _, _ in }
      ).first)
    #expect(coding.form == form && coding.factors.count == (form == .coded2x2 ? 16 : 49))
    func noise(_ change: (inout Coding) -> Void) throws -> Double {
      var scheme = quantization.scheme
      var changed = coding
      change(&changed)
      scheme.codings[name] = changed
      return try Comparison(
        of: scheme, on: RandomImages(count: 8, seed: 3), threads: 2
      ).logits.noise
    }
    let best = try noise { _ in }
    #expect(try noise { $0.factors = $0.factors.map { Int16(min(2 * Int($0), 32767)) } } > best)
    #expect(try noise { $0.factors = $0.factors.map { $0 / 2 } } > best)
    #expect(try noise { $0.zero += 64 } > best)
  }
}
