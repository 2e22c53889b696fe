// SPDX-License-Identifier: Apache-2.0
// Runs sessions with threads where ThreadSanitizer watches them: of each plan two sessions of four
// threads at once, one of which times all exact forms first. Both must give the answer of one
// thread. `CheckSessions race PLAN` gives both one arena, so that a report proves that the sanitizer
// would see a race.

import Dispatch
import Glibc
import ResNetRuntime

let threads = 4
let sessions = 2

func stop(_ message: String) -> Never {
  print("CheckSessions: \(message)")
  exit(1)
}

/// The bits of the logits of some runs on random pixels.
func logits(
  _ path: String, threads: Int, tuning: Tuning = .none,
  arena: UnsafeMutableRawBufferPointer? = nil
) -> [UInt32] {
  do {
    var session = try Session(Plan(path: path), threads: threads, tuning: tuning, arena: arena)
    var state: UInt32 = 1
    var logits: [UInt32] = []
    for _ in 0..<3 {
      let pixels = (0..<session.plan.inputSize * session.plan.inputSize * 3).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return UInt8(state >> 24)
      }
      session.run(pixels.span)
      session.withLogits { span in
        for index in span.indices { logits.append(span[index].bitPattern) }
      }
    }
    return logits
  } catch {
    stop("\(path): \(error)")
  }
}

func check(_ path: String) {
  let expected = logits(path, threads: 1)
  DispatchQueue.concurrentPerform(iterations: sessions) { index in
    let tuning = index == 0 ? Tuning.none : .measured
    guard logits(path, threads: threads, tuning: tuning) == expected else {
      stop("\(path): expected the answer of one thread, found another")
    }
  }
  print("\(path): one answer of \(sessions) sessions with \(threads) threads")
}

func race(_ path: String) {
  do {
    let count = try Plan(path: path).sessionByteCount(threads: threads)
    nonisolated(unsafe) let arena = UnsafeMutableRawBufferPointer.allocate(
      byteCount: count, alignment: 64)
    DispatchQueue.concurrentPerform(iterations: sessions) { _ in
      _ = logits(path, threads: threads, arena: arena)
    }
  } catch {
    stop("\(path): \(error)")
  }
}

let arguments = CommandLine.arguments.dropFirst()
if arguments.first == "race" {
  arguments.dropFirst().forEach(race)
} else {
  arguments.forEach(check)
}
