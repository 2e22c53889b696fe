// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime
import TestPlans
import Testing

/// The bytes of this process in memory.
private func residentBytes() throws -> Int {
  let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
  return Int(text.split(separator: " ")[1])! * Int(sysconf(Int32(_SC_PAGESIZE)))
}

/// Exact forms of int8 convolutions: one answer, whichever a session takes.
@Suite struct ExactFormsTests {
  /// A session's answer, its tuning and its memory.
  private struct Outcome {
    var results: Results
    var tuning: String
    var byteCount: Int
    var formByteCount: Int
  }

  private func run(
    _ plan: LoadedPlan, _ image: [UInt8], _ tuning: Tuning, threads: Int = 1,
    on set: InstructionSet = .best, memoryLimit: Int? = nil,
    arena: UnsafeMutableRawBufferPointer? = nil
  ) throws -> Outcome {
    var session = try Session(
      plan.plan(), threads: threads, instructionSet: set, memoryLimit: memoryLimit, tuning: tuning,
      arena: arena)
    session.run(image.span)
    return Outcome(
      results: Results(session), tuning: text(session), byteCount: session.byteCount,
      formByteCount: session.formByteCount)
  }

  private func text(_ session: borrowing Session) -> String {
    var text = ""
    session.writeTuning { text += "\(String($0))\n" }
    return text
  }

  private func run(
    _ plan: LoadedPlan, _ image: [UInt8], recorded text: String, threads: Int = 1,
    on set: InstructionSet = .best, memoryLimit: Int? = nil
  ) throws -> Outcome {
    try Array(text.utf8).withUnsafeBytes {
      try run(plan, image, .recorded($0), threads: threads, on: set, memoryLimit: memoryLimit)
    }
  }

  /// The lines of a tuning that come before the forms: without memory for weights, nothing is measured.
  private func header(
    _ plan: LoadedPlan, threads: Int = 1, on set: InstructionSet = .best
  ) throws -> String {
    let session = try Session(
      plan.plan(), threads: threads, instructionSet: set, memoryLimit: least(plan, threads),
      tuning: .measured)
    return text(session)
  }

  /// What the plan and a session without forms take.
  private func least(_ plan: LoadedPlan, _ threads: Int = 1) throws -> Int {
    try plan.plan().view.byteCount + plan.plan().sessionByteCount(threads: threads)
  }

  private func names(_ plan: LoadedPlan) throws -> [String] {
    exactFormNames(try plan.plan())
  }

  private static let basic = TestNetwork("basic", .basic, [2, 2], [32, 64])
  private static let bottleneck = TestNetwork(
    "bottleneck", .bottleneck, [2, 1], [32, 48], branchChannels: [32, 64])
  private let forms = ["2x2", "4x2", "4x4"]

  @Test(arguments: [basic, bottleneck], [33, 64, 110])
  func everyFormGivesTheBitsOfDirectSums(network: TestNetwork, size: Int) throws {
    let plan = LoadedPlan(try network.plan(inputSize: .init(size)))
    let image = testImage(size, seed: 3)
    let expected = try infer(plan, image, on: .reference)
    let names = try names(plan)
    #expect(names.count >= 2)
    for set in InstructionSet.available {
      for threads in [1, 2, 4] {
        let header = try header(plan, threads: threads, on: set)
        for first in forms.indices {
          // Each convolution in another form than the one before it.
          let lines = names.enumerated().map { "\($1) \(forms[(first + $0) % forms.count])\n" }
          let outcome = try run(
            plan, image, recorded: header + lines.joined(), threads: threads, on: set)
          #expect(outcome.results == expected, "\(set), \(threads), \(first)")
          #expect(outcome.tuning == header + lines.joined())
          #expect(outcome.formByteCount > 0)
        }
      }
    }
  }

  @Test func whateverIsMeasuredTheAnswerIsTheSame() throws {
    let size = 96
    let plan = LoadedPlan(try Self.basic.plan(inputSize: .init(size)))
    let image = testImage(size, seed: 4)
    let expected = try infer(plan, image, on: .reference)
    for set in InstructionSet.available {
      for threads in [1, 2, 4] {
        let most = try plan.plan().tunedSessionByteCount(threads: threads)
        let (least, file) = (try least(plan, threads), try plan.plan().view.byteCount)
        let whole = least + most
        for limit in [nil, least, least + 1000, (least + whole) / 2, whole] {
          let outcome = try run(
            plan, image, .measured, threads: threads, on: set, memoryLimit: limit)
          #expect(outcome.results == expected, "\(set), \(threads), \(limit ?? 0)")
          #expect(outcome.byteCount <= most)
          if let limit { #expect(file + outcome.byteCount <= limit, "\(limit)") }
          // What was chosen can be chosen again, without a clock.
          let again = try run(
            plan, image, recorded: outcome.tuning, threads: threads, on: set, memoryLimit: limit)
          #expect(again.tuning == outcome.tuning && again.results == expected)
          // The reference is not measured, and has no scratch memory for forms then.
          #expect(set == .reference || again.byteCount == outcome.byteCount)
        }
      }
    }
  }

  @Test func anArenaIsALimitToo() throws {
    let size = 64
    let plan = LoadedPlan(try Self.basic.plan(inputSize: .init(size)))
    let image = testImage(size, seed: 5)
    let expected = try infer(plan, image, on: .reference)
    let least = try plan.plan().sessionByteCount(threads: 1)
    let most = try plan.plan().tunedSessionByteCount(threads: 1)
    #expect(most > least)
    let lines = try names(plan).map { "\($0) 4x4\n" }.joined()
    for count in [least, (least + most) / 2 / 64 * 64, most] {
      let memory = GuardedMemory(capacity: count)
      let arena = memory.suffix(count)
      #expect(try run(plan, image, .measured, arena: arena).results == expected)
    }
    let text = try header(plan) + lines
    let memory = GuardedMemory(capacity: most)
    try Array(text.utf8).withUnsafeBytes { text in
      let all = try run(plan, image, .recorded(text), arena: memory.suffix(most))
      #expect(all.results == expected && all.byteCount == most)
      #expect(throws: SessionError.self) {
        try run(plan, image, .recorded(text), arena: memory.suffix(most - 64))
      }
    }
  }

  @Test func limitsBelowThePlanAndASessionAreRefused() throws {
    let plan = LoadedPlan(try Self.basic.plan(inputSize: 64))
    let least = try least(plan)
    for tuning in [Tuning.none, .measured] {
      #expect(throws: SessionError.memoryLimit(expected: least, found: least - 1)) {
        _ = try Session(plan.plan(), memoryLimit: least - 1, tuning: tuning)
      }
    }
  }

  @Test func foreignAndDamagedTuningsAreRefused() throws {
    let plan = LoadedPlan(try Self.basic.plan(inputSize: 64))
    let names = try names(plan)
    let header = try header(plan)
    let good = header + "\(names[0]) 2x2\n\(names[2]) 4x4\n"
    let image = testImage(64, seed: 6)
    #expect(try run(plan, image, recorded: good).tuning == good)
    func expect(_ flaw: TuningFlaw, _ text: String, threads: Int = 1) {
      #expect(throws: SessionError.tuning(flaw), "\(text)") {
        try run(plan, image, recorded: text, threads: threads)
      }
    }
    expect(.format, "")
    expect(.format, String(good.dropFirst()))
    expect(.format, good.replacing("tuning 1", with: "tuning 2"))
    expect(.threads, good, threads: 2)
    let other = LoadedPlan(try Self.basic.plan(inputSize: 65))
    expect(.plan, try self.header(other))
    for set in InstructionSet.available.dropLast() {
      expect(.cpu, try self.header(plan, on: set))
    }
    expect(.line(5), header + "\n")
    expect(.line(5), header + "conv1 2x2\n")
    expect(.line(5), header + "\(names[0]) 3x3\n")
    expect(.line(5), header + "\(names[0]) direct\n")
    expect(.line(6), header + "\(names[0]) 2x2\n\(names[0]) 2x2\n")
    expect(.line(6), header + "\(names[2]) 4x4\n\(names[0]) 2x2\n")
    // Ended anywhere, it is a shorter tuning or none.
    for count in 0..<good.utf8.count {
      let text = String(good.prefix(count))
      if text.hasSuffix("\n"), text.count >= header.count {
        #expect(try run(plan, image, recorded: text).tuning == text)
      } else {
        #expect(throws: SessionError.self) { try run(plan, image, recorded: text) }
      }
    }
  }

  @Test func whatIsNotExactForTheWeightsIsNotUsed() throws {
    let network = TestNetwork("heavy", .basic, [1], [128])
    var heavy = try network.network()
    // 1152 weights of 127 and bytes of 255 are beyond 2³¹ / 64.
    let layer = "layer1.0.conv2"
    for index in 0..<9 * 128 { heavy[convolution: layer].weights[index] = 1 }
    let plan = LoadedPlan(try testPlan(of: heavy, inputSize: 32))
    let image = testImage(32, seed: 7)
    let expected = try infer(plan, image, on: .reference)
    let header = try header(plan)
    for form in ["2x2", "4x2"] {
      let text = header + "\(layer) \(form)\n"
      #expect(try run(plan, image, recorded: text).results == expected)
    }
    #expect(throws: SessionError.tuning(.inexact(line: 5))) {
      try run(plan, image, recorded: header + "\(layer) 4x4\n")
    }
    for set in InstructionSet.available {
      let outcome = try run(plan, image, .measured, on: set)
      #expect(!outcome.tuning.contains("\(layer) 4x4") && outcome.results == expected)
    }
  }

  @Test func sessionsOfAPlanShareTheirWeights() async {
    await #expect(processExitsWith: .success) {
      let loaded = LoadedPlan(try TestNetwork("wide", .basic, [1], [256]).plan(inputSize: 64))
      let plan = try loaded.plan()
      var text = ""
      let least = plan.view.byteCount + plan.sessionByteCount(threads: 1)
      try Session(plan.shared(), memoryLimit: least, tuning: .measured).writeTuning {
        text += "\(String($0))\n"
      }
      for name in exactFormNames(plan) { text += "\(name) 4x4\n" }
      let recorded = Array(text.utf8)
      func session() throws -> Session {
        try recorded.span.withUnsafeBytes { try Session(plan.shared(), tuning: .recorded($0)) }
      }
      let before = try residentBytes()
      var first = try session()
      let alone = try residentBytes()
      var second = try session()
      let both = try residentBytes()
      #expect(first.formByteCount == 2 * 36 * 256 * 256 * 2)
      #expect(alone - before > first.formByteCount * 3 / 4)
      #expect(both - alone < first.formByteCount / 4)
      let image = testImage(64, seed: 8)
      first.run(image.span)
      second.run(image.span)
      let expected = try infer(loaded, image, on: .reference)
      #expect(Results(first) == expected && Results(second) == expected)
    }
  }
}
