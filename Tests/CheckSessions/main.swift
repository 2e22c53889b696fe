// SPDX-License-Identifier: Apache-2.0
// Runs sessions with threads where ThreadSanitizer watches them: of each plan three sessions of four
// threads at once, two of them in exact forms whose weights they share, after a session that times
// such forms. All must give the answer of one thread, and so must batches of every size up to 7 of one, two and four
// threads, with an arena of the caller and as many bytes as the plan tells. `CheckSessions race PLAN` gives them one
// arena, so that a report proves that the sanitizer would see a race.

import Dispatch
import Glibc
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

let threads = 4
let sessions = 3

func stop(_ message: String) -> Never {
  print("CheckSessions: \(message)")
  exit(1)
}

/// The bits of the logits of some runs on random pixels.
func logits(
  _ plan: consuming Plan, threads: Int, tuning: Tuning = .none,
  arena: UnsafeMutableRawBufferPointer? = nil
) throws -> [UInt32] {
  var session = try Session(plan, threads: threads, tuning: tuning, arena: arena)
  var state: UInt32 = 1
  var logits: [UInt32] = []
  for _ in 0..<3 {
    let pixels = (0..<session.plan.imageByteCount).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    session.run(pixels.span)
    session.withLogits { span in
      for index in span.indices { logits.append(span[index].bitPattern) }
    }
  }
  return logits
}

/// The bits of all outputs of an image of the last run.
func outputs(_ session: borrowing Session, _ image: Int) -> [UInt32] {
  var bits: [UInt32] = []
  for index in 0..<session.plan.outputCount {
    let output = session.plan.output(at: index)
    var values = [Float](repeating: .nan, count: output.count)
    var room = values.mutableSpan
    session.read(output, ofImage: image, into: &room)
    bits += values.map(\.bitPattern)
  }
  return bits
}

/// Runs batches of every size, where before there were others.
func checkBatches(_ plan: borrowing Plan, _ tuning: Tuning, threads: Int, batch: Int) throws {
  let bytes = plan.imageByteCount
  let pixels = (0..<batch * bytes).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 7) }
  var single = try Session(plan.shared())
  let expected = (0..<batch).map {
    single.run(pixels.span.extracting($0 * bytes..<($0 + 1) * bytes))
    return outputs(single, 0)
  }
  let count =
    if case .none = tuning {
      plan.sessionByteCount(threads: threads, batch: batch)
    } else {
      plan.tunedSessionByteCount(threads: threads, batch: batch)
    }
  let arena = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
  defer { arena.deallocate() }
  _ = arena.initializeMemory(as: UInt8.self, repeating: 0xFF)
  var session = try Session(
    plan.shared(), threads: threads, batch: batch, tuning: tuning, arena: arena)
  guard session.byteCount <= count else { stop("more bytes than announced") }
  for first in [batch, 1, 0] {
    for count in 1...batch - first % batch {
      let start = first % batch
      session.run(pixels.span.extracting(start * bytes..<(start + count) * bytes))
      for image in 0..<count where outputs(session, image) != expected[start + image] {
        stop("image \(image) of \(count), \(threads) threads: expected the outputs of a run alone")
      }
    }
  }
}

/// A tuning with every exact form that the plan takes, found by trying each of its steps.
func everyForm(_ plan: borrowing Plan) throws -> [UInt8] {
  // Without memory for weights, a measured tuning has no lines but its first ones.
  let least = plan.view.byteCount + plan.sessionByteCount(threads: threads)
  let session = try Session(
    plan.shared(), threads: threads, memoryLimit: least, tuning: .measured)
  var text = ""
  session.writeTuning { text += "\(String($0))\n" }
  for index in 0..<plan.view.stepCount {
    let longer = text + "\(String(cString: plan.view.name(plan.view.step(index).name))) 4x4\n"
    let isTaken = Array(longer.utf8).withUnsafeBytes {
      (try? Session(plan.shared(), threads: threads, tuning: .recorded($0))) != nil
    }
    if isTaken { text = longer }
  }
  return Array(text.utf8)
}

func check(_ path: String) throws {
  let first = try Plan(path: path)
  let expected = try logits(first.shared(), threads: 1)
  let forms = try everyForm(first)
  guard try logits(first.shared(), threads: threads, tuning: .measured) == expected else {
    stop("\(path): expected the answer of one thread, found another in measured forms")
  }
  for threads in [1, 2, threads] {
    for batch in [3, 7] { try checkBatches(first, .none, threads: threads, batch: batch) }
    if threads == 4 {
      try forms.withUnsafeBytes {
        try checkBatches(first, .recorded($0), threads: threads, batch: 7)
      }
    }
  }
  // No session has made its weights yet.
  let plan = try Plan(path: path)
  DispatchQueue.concurrentPerform(iterations: sessions) { index in
    let found = forms.withUnsafeBytes {
      try? logits(plan.shared(), threads: threads, tuning: index == 0 ? .none : .recorded($0))
    }
    guard found == expected else {
      stop("\(path): expected the answer of one thread, found another in session \(index)")
    }
  }
  let lines = forms.count { $0 == UInt8(ascii: "\n") }
  print(
    "\(path): one answer of \(sessions) sessions with \(threads) threads, \(lines - 4) exact forms")
}

func race(_ path: String) throws {
  let count = try Plan(path: path).sessionByteCount(threads: threads)
  nonisolated(unsafe) let arena = UnsafeMutableRawBufferPointer.allocate(
    byteCount: count, alignment: 64)
  DispatchQueue.concurrentPerform(iterations: sessions) { _ in
    _ = try? logits(Plan(path: path), threads: threads, arena: arena)
  }
}

let arguments = CommandLine.arguments.dropFirst()
do {
  if arguments.first == "race" {
    try arguments.dropFirst().forEach(race)
  } else {
    try arguments.forEach(check)
  }
} catch {
  stop("\(error)")
}
