// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetPlanFormat
import ResNetRuntime
import TestPlans
import Testing

/// Runs plans that somebody damaged on purpose, in memory where any access beyond the file, the
/// arena or the image is a crash.
private struct Attack {
  private let sound: [UInt8]
  private let file: GuardedMemory
  private let arena = GuardedMemory(capacity: Attack.arenaLimit + Attack.margin)
  private let image = GuardedMemory(capacity: 1024 * 1024 * 3)
  private(set) var rejected = 0
  private(set) var accepted = 0

  /// A plan that asks for more is validated but not run, to save time.
  static let arenaLimit = 1 << 22
  static let margin = 4096

  init(_ sound: [UInt8]) {
    self.sound = sound
    file = GuardedMemory(capacity: sound.count + 4096)
    for (index, value) in testImage(1024, seed: 1).enumerated() {
      image.suffix(1024 * 1024 * 3)[index] = value
    }
  }

  /// Expects that a file is rejected.
  mutating func expectRejected(_ bytes: [UInt8], _ what: String) {
    if (try? Plan(unownedBytes: file.suffix(holding: bytes))) != nil {
      Issue.record("accepted a plan with \(what)")
    }
    rejected += 1
  }

  /// Loads a file and, if it is valid, runs it on one thread.
  mutating func run(_ bytes: [UInt8], on set: InstructionSet, _ what: String) throws {
    let plan: Plan
    do {
      plan = try Plan(unownedBytes: file.suffix(holding: bytes))
    } catch {
      #expect(!error.description.isEmpty)
      rejected += 1
      return
    }
    accepted += 1
    readTexts(plan.view)
    let count = plan.sessionByteCount(threads: 1)
    guard count <= Attack.arenaLimit else { return }
    let arenaBytes = plan.view.arenaByteCount
    let scratchBytes = plan.view.scratchByteCount
    let layout = SessionLayout(plan.view, threads: 1)
    let imageBytes = plan.imageByteCount
    let margin = arena.suffix(count + Attack.margin)
    _ = margin.initializeMemory(as: UInt8.self, repeating: 0xA5)
    let memory = UnsafeMutableRawBufferPointer(rebasing: margin[Attack.margin...])
    var session = try Session(plan, instructionSet: set, arena: memory)
    let pixels = image.suffix(imageBytes).bindMemory(to: UInt8.self)
    session.run(Span(_unsafeElements: UnsafeBufferPointer(pixels)))
    // What kernels may read beyond the arena and the scratch memory they must not write.
    #expect(margin[..<Attack.margin].allSatisfy { $0 == 0xA5 }, "\(what)")
    #expect(memory[arenaBytes..<layout.scratch].allSatisfy { $0 == 0 }, "\(what)")
    let end = layout.scratch + scratchBytes
    #expect(memory[end..<layout.loadTimeWeights].allSatisfy { $0 == 0 }, "\(what)")
  }

  /// Reads every text that the records name, to its end.
  private func readTexts(_ view: PlanView) {
    var count = strlen(view.provenance)
    for index in 0..<view.tensorCount { count += strlen(view.name(view.tensor(index).name)) }
    for index in 0..<view.stepCount {
      count += strlen(view.name(view.step(index).name)) + strlen(view.name(view.step(index).block))
    }
    for index in 0..<view.classCount { count += view.className(index)?.count ?? 0 }
    blackHole(count)
  }
}

/// Makes what was read look needed: the reading is the test, which crashes beyond the end of the file.
@_optimize(none) private func blackHole(_: Int) {}

/// Damages a plan at places that matter: half of them in records, which are small.
private struct Damage {
  var generator: RandomGenerator
  private let header = 0..<512
  private let records: Range<Int>
  private let all: Range<Int>
  private let interesting: [UInt32] = [
    0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 48, 64, 255, 256, 1023, 1024, 1025, 4096, 65535, 65536,
    1 << 30, 1 << 31, 0x7FFF_FFFF, .max, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0x3F80_0000,
  ]

  init(_ file: [UInt8], seed: UInt64) {
    generator = RandomGenerator(seed: seed)
    all = 0..<file.count
    records = 512..<Int(file.number(at: 72 + 32 * 8, count: 8))
  }

  /// Changes one to three places and says how.
  mutating func strike(_ bytes: inout [UInt8]) -> String {
    var what: [String] = []
    for _ in 0..<[1, 1, 1, 2, 3].randomElement(using: &generator)! {
      let region = [header, records, records, records, all].randomElement(using: &generator)!
      let place = Int.random(in: region, using: &generator)
      let word = place / 4 * 4
      switch Int.random(in: 0..<6, using: &generator) {
      case 0, 1:
        let bit = Int.random(in: 0..<8, using: &generator)
        bytes[place] ^= 1 << bit
        what.append("bit \(bit) of byte \(place) flipped")
      case 2:
        let mask = UInt8.random(in: 1...255, using: &generator)
        bytes[place] ^= mask
        what.append("byte \(place) xor \(mask)")
      case 3:
        let value = interesting.randomElement(using: &generator)!
        bytes.set(UInt64(value), at: word, count: 4)
        what.append("\(value) at \(word)")
      case 4:
        let other = Int.random(in: region, using: &generator) / 4 * 4
        bytes.set(bytes.number(at: other, count: 4), at: word, count: 4)
        what.append("the word at \(other) copied to \(word)")
      default:
        let step = Int.random(in: -64...64, using: &generator)
        let value = UInt32(truncatingIfNeeded: Int(bytes.number(at: word, count: 4)) + step)
        bytes.set(UInt64(value), at: word, count: 4)
        what.append("\(step) added at \(word)")
      }
    }
    return what.joined(separator: ", ")
  }
}

/// The file cut at a place, with a header that says so and zeros up to the next multiple of 64.
private func cutAndSealed(_ file: [UInt8], at place: Int) -> [UInt8] {
  var bytes = Array(file.prefix(max(place, 512)))
  let end = UInt64(bytes.count)
  for entry in stride(from: 64, to: 352, by: 32) {
    let start = min(bytes.number(at: entry + 8, count: 8), (end + 63) / 64 * 64)
    let size = min(bytes.number(at: entry + 16, count: 8), end > start ? end - start : 0)
    bytes.set(start, at: entry + 8, count: 8)
    bytes.set(size, at: entry + 16, count: 8)
  }
  bytes += [UInt8](repeating: 0, count: (64 - bytes.count % 64) % 64)
  bytes.set(UInt64(bytes.count), at: 16, count: 8)
  bytes.reseal()
  return bytes
}

/// Damage everywhere; each test in a process of its own, because what it looks for is a crash.
@Suite struct HostilePlanTests {
  @Test func everyCutIsRejected() async {
    await #expect(processExitsWith: .success) {
      for format in [WeightFormat.int8, .float32, .float16] {
        let file = try TestNetwork.bottleneck.plan(
          inputSize: 32, weights: format
        ) { $0.classNames = (0..<10).map { "class \($0)" } }
        var attack = Attack(file)
        let constants = Int(file.number(at: 72 + 32 * 8, count: 8))
        let places =
          Array(stride(from: 0, to: constants, by: 5))
          + Array(stride(from: constants, to: file.count, by: (file.count - constants) / 200))
        for place in places {
          attack.expectRejected(Array(file[..<place]), "a cut at \(place)")
          // The classifier's bias is the last constant: without a byte of it nothing is valid.
          let sealed = cutAndSealed(file, at: place)
          attack.expectRejected(sealed, "a sealed cut at \(place)")
        }
        #expect(attack.rejected > 1500)
      }
    }
  }

  @Test func damageIsRejectedByTheChecksums() async {
    await #expect(processExitsWith: .success) {
      let file = try TestNetwork.basic.plan(inputSize: 32)
      var attack = Attack(file)
      var damage = Damage(file, seed: 11)
      for _ in 0..<3000 {
        var bytes = file
        let what = damage.strike(&bytes)
        if bytes != file { attack.expectRejected(bytes, what) }
      }
      #expect(attack.rejected > 2500)
    }
  }

  @Test func sealedDamageIsRejectedOrHarmless() async throws {
    // A crashed process tells no more than its last words.
    let log = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: log) }
    let result = await #expect(processExitsWith: .success) { [log = log as String] in
      for (seed, network) in [TestNetwork.basic, .bottleneck, .odd].enumerated() {
        // Every second layer of the last one converts.
        let layers = try network.layers(inputSize: 32).enumerated().filter { $0.offset % 2 == 1 }
        let files = [
          "int8": try network.plan(inputSize: 32),
          "fp32": try network.plan(inputSize: 32, weights: .float32) {
            $0.targets = [.neon]
            $0.winogradByteLimit = 1 << 30
          },
          "fp16": try network.plan(inputSize: 32, weights: .float16) {
            $0.winogradByteLimit = 1 << 30
          },
          "mixed": try network.plan(
            inputSize: 32,
            layers: Dictionary(uniqueKeysWithValues: layers.map { ($0.element, .float16) })
          ) { $0.winogradByteLimit = 1 << 30 },
        ]
        for (name, file) in files.sorted(by: { $0.key < $1.key }) {
          var attack = Attack(file)
          var damage = Damage(file, seed: UInt64(seed))
          for index in 0..<500 {
            var bytes = file
            let what = "\(network), \(name): \(damage.strike(&bytes))"
            bytes.reseal()
            try Data(what.utf8).write(to: URL(fileURLWithPath: log))
            try attack.run(bytes, on: index % 2 == 0 ? .best : .reference, what)
          }
          // Both ends are reached: a test that rejects all would not run a hostile plan.
          #expect(attack.rejected > 100 && attack.accepted > 50)
        }
      }
    }
    if result == nil {
      Issue.record("ended at \((try? String(contentsOfFile: log, encoding: .utf8)) ?? "the start")")
    }
  }

  @Test(arguments: [WeightFormat.int8, .float32, .float16])
  func theSoundPlanRunsInTheSameMemory(format: WeightFormat) throws {
    // The larger network has Winograd forms.
    let networks = [
      (TestNetwork.basic, 32), (TestNetwork("forms", .basic, [2, 2], [32, 64]), 96),
    ]
    for (network, size) in networks {
      let file = try network.plan(inputSize: .init(size), weights: format) {
        $0.winogradByteLimit = 1 << 30
      }
      var attack = Attack(file)
      for set in InstructionSet.available { try attack.run(file, on: set, "nothing") }
      #expect(attack.accepted == InstructionSet.available.count)
    }
    guard format != .int8 else { return }
    let largest = PlanFile(
      try networks[1].0.plan(inputSize: 96, weights: format) { $0.winogradByteLimit = 1 << 30 })
    #expect(largest.made > 0)
  }
}
