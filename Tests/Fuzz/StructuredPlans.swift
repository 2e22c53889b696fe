// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetImages
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime
import TestPlans

/// Sound plans with fields of their records changed to what may matter, and their checksums made right: what the
/// validation accepts has to run within its memory, and on every level with the same results.
///
/// All memory lies between pages without access, at their start and at their end by turns. Bytes of the fuzzer, or
/// random ones, say what is changed.
final class StructuredPlans {
  /// How many plans were refused, were accepted, were small enough to run, and ran in exact forms.
  private(set) var refused = 0, accepted = 0, ran = 0, ranInForms = 0

  /// Whether to print the plan and what is changed.
  var tells = false

  private let plans: [(name: String, sound: SoundPlan)]
  private let levels = InstructionSet.available
  /// Those that have float kernels of their own.
  private let quickLevels = InstructionSet.available.filter { !["ref", "sse42"].contains($0.name) }
  private let file: GuardedMemory
  private let arena = GuardedMemory(capacity: StructuredPlans.arenaLimit)
  private let image = GuardedMemory(
    capacity: StructuredPlans.sideLimit * StructuredPlans.sideLimit * 3)

  /// What asks for more is validated but not run, to save time.
  private static let arenaLimit = 1 << 22, sideLimit = 64

  init() {
    do {
      plans = try smallPlans().map { ($0.name, SoundPlan($0.bytes)) }
    } catch {
      stop("expected plans to start from: \(error)")
    }
    for kind in [
      "max pool", "average pool", "made transform", "stored transform", "fp16 sums", "exact form",
      "coded",
    ]
    where !plans.contains(where: { $0.sound.kinds.contains(kind) }) {
      stop("expected a plan with \(kind)")
    }
    file = GuardedMemory(capacity: plans.map(\.sound.bytes.count).max()!)
    let pixels = testImage(StructuredPlans.sideLimit, seed: 1)
    image.suffix(pixels.count).copyBytes(from: pixels)
  }

  /// Makes one plan and runs it.
  func run(_ bytes: UnsafeRawBufferPointer) {
    var choices = Choices(bytes)
    let (name, sound) = plans[choices.below(plans.count)]
    let run = choices.below(256)
    let isAtEnd = run % 2 == 0
    let place = isAtEnd ? file.suffix(sound.bytes.count) : file.prefix(sound.bytes.count)
    place.copyBytes(from: sound.bytes)
    for _ in 0..<[1, 1, 1, 1, 2, 2, 3, 5][choices.below(8)] { sound.change(place, &choices) }
    if tells {
      tell(name)
      for word in stride(from: 0, to: place.count, by: 4) {
        let (old, new) = (sound.bytes.number(at: word, count: 4), place.number(at: word, count: 4))
        if old != new { tell("  \(sound.place(of: word)): \(old) -> \(new)") }
      }
    }
    place.reseal()
    let changed = UnsafeRawBufferPointer(place)
    guard let plan = try? Plan(unownedBytes: changed) else {
      refused += 1
      return
    }
    accepted += 1
    readTexts(plan.view)
    let size = plan.imageSize
    let threads = run / 2 % 16 == 0 ? 2 : 1
    guard max(size.height, size.width) <= StructuredPlans.sideLimit,
      plan.sessionByteCount(threads: threads) <= StructuredPlans.arenaLimit
    else { return }
    ran += 1
    if run / 32 == 0 { prepare(plan.view.preprocessing) }
    let pixels = image.suffix(plan.imageByteCount).bindMemory(to: UInt8.self)
    let input = UnsafeBufferPointer(pixels)
    func has(_ format: WeightFormat) -> Bool {
      (0..<plan.view.stepCount).contains { plan.view.step($0).arithmetic.weights == format }
    }
    // Of fp16 weights that are not finite, which the validation does not look for, levels make different numbers.
    let isExact = !has(.float16)
    // The reference's float kernels are slow.
    let isSlow = (0..<plan.view.stepCount).contains {
      let step = plan.view.step($0)
      return step.operation.convolution != nil && step.arithmetic.weights != .int8
    }
    let levels = isSlow && run / 2 % 8 > 0 ? quickLevels : self.levels
    var expected: Results?
    for (index, level) in levels.enumerated() {
      let found = results(
        changed, input, threads: threads, level, isAtEnd: (index % 2 == 0) == isAtEnd)
      if isExact { compare(found, with: expected ?? found, "\(level.name), \(threads) threads") }
      expected = expected ?? found
    }
    if threads == 1, run % 3 == 0, isExact, let expected {
      runInForms(changed, input, expected, isAtEnd: isAtEnd, &choices)
    }
  }

  private func results(
    _ bytes: UnsafeRawBufferPointer, _ input: UnsafeBufferPointer<UInt8>, threads: Int,
    _ level: InstructionSet,
    isAtEnd: Bool
  ) -> Results {
    do {
      let plan = try Plan(unownedBytes: bytes)
      let count = plan.sessionByteCount(threads: threads)
      let layout = SessionLayout(plan.view, threads: threads)
      let gap = plan.view.arenaByteCount..<layout.scratch
      let memory = isAtEnd ? arena.suffix(count) : arena.prefix(count)
      var session = try Session(plan, threads: threads, instructionSet: level, arena: memory)
      session.run(Span(_unsafeElements: input))
      // What kernels may read beyond the tensors they must not write.
      guard memory[gap].allSatisfy({ $0 == 0 }) else { fatalError("written behind the tensors") }
      return Results(session)
    } catch {
      fatalError("an accepted plan has no session: \(error)")
    }
  }

  /// Runs each convolution that has exact forms in one of them, where its weights allow that.
  private func runInForms(
    _ bytes: UnsafeRawBufferPointer, _ input: UnsafeBufferPointer<UInt8>, _ expected: Results,
    isAtEnd: Bool,
    _ choices: inout Choices
  ) {
    let first = choices.below(3)
    do {
      let names = exactFormNames(try Plan(unownedBytes: bytes))
      let most = try Plan(unownedBytes: bytes).tunedSessionByteCount(threads: 1)
      guard !names.isEmpty, most <= StructuredPlans.arenaLimit else { return }
      for level in levels {
        var text = try tuningHeader(Plan(unownedBytes: bytes), level)
        for (index, name) in names.enumerated() {
          text += "\(name) \(["2x2", "4x2", "4x4"][(first + index) % 3])\n"
        }
        let memory = isAtEnd ? arena.suffix(most) : arena.prefix(most)
        let found = try Array(text.utf8).withUnsafeBytes { text in
          var session = try Session(
            Plan(unownedBytes: bytes), instructionSet: level, tuning: .recorded(text),
            arena: memory)
          session.run(Span(_unsafeElements: input))
          return Results(session)
        }
        compare(found, with: expected, "\(level.name) in exact forms")
      }
      ranInForms += 1
    } catch SessionError.tuning {
      // Inexact for these weights, or a step has a name that no text can have.
    } catch {
      fatalError("an accepted plan has no tuned session: \(error)")
    }
  }

  /// Expects the same bits, where they are numbers: changed constants may be none.
  private func compare(_ found: Results, with expected: Results, _ what: String) {
    func isSame(_ a: UInt32, _ b: UInt32) -> Bool {
      a == b || Float(bitPattern: a).isNaN && Float(bitPattern: b).isNaN
    }
    guard zip(found.logits, expected.logits).allSatisfy(isSame),
      zip(found.features, expected.features).allSatisfy(isSame)
    else { fatalError("expected the reference's answer, found another: \(what)") }
  }

  /// Prepares a small photo as the plan says.
  private func prepare(_ preprocessing: PreprocessingRecord) {
    guard max(preprocessing.resize.height, preprocessing.resize.width) <= 256 else { return }
    let pixels = [UInt8](repeating: 200, count: 105)
    guard let photo = try? RGBImage(pixels: pixels.span, width: 7, height: 5) else {
      fatalError("no memory for a small photo")
    }
    var prepared = [UInt8](repeating: 0, count: 3 * preprocessing.crop.area)
    var span = prepared.mutableSpan
    try? preprocess(photo, as: preprocessing, into: &span)
  }

  /// Reads every text that the records name, to its end.
  private func readTexts(_ view: PlanView) {
    var count = strlen(view.provenance) + strlen(view.name(view.model.summary))
    for index in 0..<view.tensorCount { count += strlen(view.name(view.tensor(index).name)) }
    for index in 0..<view.stepCount {
      count += strlen(view.name(view.step(index).name)) + strlen(view.name(view.step(index).block))
    }
    if view.hasClassNames, let last = view.className(view.classCount - 1) { count += last.count }
    guard count < 1 << 20 else { fatalError("a text beyond the file") }
  }
}

/// The lines of a tuning before its forms: without memory for weights, nothing is measured.
func tuningHeader(_ plan: consuming Plan, _ level: InstructionSet) throws -> String {
  let least = plan.view.byteCount + plan.sessionByteCount(threads: 1)
  let session = try Session(
    plan, instructionSet: level, memoryLimit: least, tuning: .measured)
  var text = ""
  session.writeTuning { text += "\(String($0))\n" }
  return text
}

/// Numbers that bytes decide, 0 when they are used up.
private struct Choices {
  private var rest: Slice<UnsafeRawBufferPointer>

  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes[...] }

  private mutating func byte() -> Int { rest.popFirst().map(Int.init) ?? 0 }

  /// A number below `count`, which is at most 2²⁴.
  mutating func below(_ count: Int) -> Int {
    if count <= 1 << 8 { return byte() % count }
    return (byte() << 16 | byte() << 8 | byte()) % count
  }

  mutating func element<Element>(of array: [Element]) -> Element { array[below(array.count)] }
}

/// A plan that is valid, and where its fields are.
private struct SoundPlan {
  let bytes: [UInt8]
  private var steps = Records(byteCount: 192), tensors = Records(byteCount: 64)
  private var others: [Field] = []
  private var header: [Field] = []
  /// Sizes and places of the plan's own.
  private var numbers: [UInt64] = []

  /// What of the kinds of steps the plan has.
  var kinds: Set<String> {
    let loaded = LoadedPlan(bytes)
    guard let plan = try? loaded.plan() else { return [] }
    var kinds: Set<String> = exactFormNames(plan).isEmpty ? [] : ["exact form"]
    for index in 0..<plan.view.stepCount {
      let step = plan.view.step(index)
      kinds.insert("\(step.operation.name)")
      if step.arithmetic.accumulator == .float16 { kinds.insert("fp16 sums") }
      if step.arithmetic.algorithm.isCoded { kinds.insert("coded") }
      guard let record = step.operation.convolution, step.arithmetic.algorithm != .direct else {
        continue
      }
      kinds.insert(record.transformedPlace == .madeAtLoad ? "made transform" : "stored transform")
    }
    return kinds
  }

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    for offset in [16, 24, 32, 40] + Array(stride(from: 72, to: 352, by: 8)) {
      header.append(Field(offset, size: 8))
      numbers.append(bytes.number(at: offset, count: 8))
    }
    header += [Field(8), Field(12)]
    func section(_ section: PlanSection) -> Range<Int> {
      let entry = 72 + 32 * Int(section.rawValue)
      let start = Int(bytes.number(at: entry, count: 8))
      return start..<start + Int(bytes.number(at: entry + 8, count: 8))
    }
    for start in stride(from: section(.steps).lowerBound, to: section(.steps).upperBound, by: 192) {
      steps.append(start, SoundPlan.fields(ofOperation: bytes.number(at: start, count: 4)))
    }
    let tensor =
      [Field(0, size: 8), Field(8, 12)] + stride(from: 16, to: 60, by: 4).map { Field($0) }
    for start in stride(
      from: section(.tensors).lowerBound, to: section(.tensors).upperBound, by: 64)
    {
      tensors.append(start, tensor)
    }
    // Roles, tensors and names of outputs; the whole of what there is once.
    for start in stride(
      from: section(.outputs).lowerBound, to: section(.outputs).upperBound, by: 32)
    {
      others += [0, 4, 8].map { Field(start + $0) }
    }
    others += [0, 4, 8].map { Field(section(.model).lowerBound + $0) }
    others += (0..<12).map { Field(section(.preprocessing).lowerBound + 4 * $0) }
    // The image's size is in three records.
    let model = section(.model).lowerBound
    others.append(Field(model, model + 4, section(.preprocessing).lowerBound + 12))
  }

  /// Where in the file a byte is, for people.
  func place(of byte: Int) -> String {
    for (name, records) in [("step", steps), ("tensor", tensors)] {
      let offset = byte - records.starts[0]
      if 0..<records.starts.count * records.byteCount ~= offset {
        return "\(name) \(offset / records.byteCount), byte \(offset % records.byteCount)"
      }
    }
    return "byte \(byte)"
  }

  /// The fields of a step, those together that have to be equal in a sound plan.
  private static func fields(ofOperation code: UInt64) -> [Field] {
    let common =
      [0, 4, 8, 12, 20, 24].map { Field($0) } + [Field(32, size: 8)]
      + (16..<20).map { Field($0, size: 1) }
    switch code {
    case 1, 2:
      return common
        + [Field(64, 68), Field(72, 76), Field(80, 84), Field(88, 92, 96, 100)]
        + [104, 108, 112, 116, 120, 124].map { Field($0) }
        + [136, 144, 152, 160, 168, 176].map { Field($0, size: 8) }
    case 3: return common + [Field(64)]
    case 4: return common + [64, 72, 80].map { Field($0, size: 8) }
    case 5: return common + stride(from: 64, to: 100, by: 4).map { Field($0) } + [Field(68, 72)]
    default: return common
    }
  }

  /// Makes one change to a copy of the plan.
  func change(_ copy: UnsafeMutableRawBufferPointer, _ choices: inout Choices) {
    let region = choices.below(32)
    switch region {
    case 0..<14: change(copy, steps, &choices)
    case 14..<24: change(copy, tensors, &choices)
    case 24..<27: change(copy, choices.element(of: others), like: others, &choices)
    case 27..<29: change(copy, choices.element(of: header), like: header, &choices)
    default:
      change(copy, Field(512 + choices.below((bytes.count - 512) / 4) * 4), like: [], &choices)
    }
  }

  private func change(
    _ copy: UnsafeMutableRawBufferPointer, _ records: Records, _ choices: inout Choices
  ) {
    let (one, other) = (choices.below(records.starts.count), choices.below(records.starts.count))
    let (start, from) = (records.starts[one], records.starts[other])
    switch choices.below(16) {
    case 0:
      for byte in 0..<records.byteCount {
        (copy[start + byte], copy[from + byte]) = (copy[from + byte], copy[start + byte])
      }
    case 1:
      for byte in 0..<records.byteCount { copy[start + byte] = copy[from + byte] }
    default:
      let field = choices.element(of: records.fields[one])
      // The same field of all records, and all fields of this one, may have what is wrong here.
      let like =
        records.starts.map { field.moved(by: $0) } + records.fields[one].map { $0.moved(by: start) }
      change(copy, field.moved(by: start), like: like, &choices)
    }
  }

  private func change(
    _ copy: UnsafeMutableRawBufferPointer, _ field: Field, like: [Field],
    _ choices: inout Choices
  ) {
    let old = copy.number(at: field.places[0], count: field.size)
    let new =
      switch choices.below(8) {
      case 0, 1, 2: choices.element(of: SoundPlan.interesting)
      case 3: choices.element(of: numbers)
      case 4: old &+ UInt64(bitPattern: choices.element(of: [-64, -16, -4, -1, 1, 4, 16, 64]))
      case 5: choices.below(2) == 0 ? old << 1 : old >> 1
      case 6 where !like.isEmpty:
        copy.number(at: choices.element(of: like).places[0], count: field.size)
      default: old ^ 1 << UInt64(choices.below(8 * field.size))
      }
    let isOne = choices.below(4) == 0
    for place in isOne ? [choices.element(of: field.places)] : field.places {
      copy.set(new, at: place, count: field.size)
    }
  }

  /// The limits of the rules and of integers, and floats.
  private static let interesting: [UInt64] =
    ([
      0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 127, 128, 254, 255, 256, 257,
      512, 1023, 1024, 1025, 4095, 4096, 4097, 32767, 32768, 32769, 65535, 65536, 65537, .max,
      .max - 15, .max - 63,
    ] as [UInt64])
    + [24, 29, 30, 31, 32, 40, 50, 62, 63].flatMap { (bit: UInt64) -> [UInt64] in
      [1 << bit - 1, 1 << bit, 1 << bit + 1]
    }
    + ([
      1, -1, 0.5, 255, -255, 1e-30, 1e30, .infinity, -.infinity, .nan, -0.0,
      .greatestFiniteMagnitude, .leastNonzeroMagnitude,
    ] as [Float]).map { UInt64($0.bitPattern) }
}

/// The records of a section.
private struct Records {
  let byteCount: Int
  var starts: [Int] = []
  /// Of each record, from its start.
  var fields: [[Field]] = []

  mutating func append(_ start: Int, _ fields: [Field]) {
    starts.append(start)
    self.fields.append(fields)
  }

  init(byteCount: Int) { self.byteCount = byteCount }
}

/// A number in a file, at one place or at several that have to be equal.
private struct Field {
  var places: [Int]
  var size: Int

  init(_ places: Int..., size: Int = 4) {
    self.places = places
    self.size = size
  }

  func moved(by offset: Int) -> Field {
    var moved = self
    for index in places.indices { moved.places[index] += offset }
    return moved
  }
}
