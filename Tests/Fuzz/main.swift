// SPDX-License-Identifier: Apache-2.0
// Feeds the readers of foreign bytes with what libFuzzer makes of the seeds. A call that returns is
// good, whether the bytes were accepted or refused; what is looked for are traps, sanitizer
// reports, time and memory. Toolchains/fuzz builds and runs it.

import Foundation
import ResNetModelGraph

func tell(_ message: String) { FileHandle.standardError.write(Data((message + "\n").utf8)) }

func stop(_ message: String) -> Never {
  tell(message)
  exit(2)
}

/// Writes plans of small networks, as seeds and for other checks.
func writePlans(to folder: String) throws {
  for (name, bytes) in try smallPlans() {
    try Data(bytes).write(to: URL(fileURLWithPath: folder).appendingPathComponent(name))
  }
}

/// Runs as many structured plans as it is told, and keeps what each is made of in a file: what is there after
/// a crash `Fuzz structured` reads again.
func runStructuredPlans(_ count: Int, seed: UInt64, last path: String) {
  let last = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
  guard last >= 0 else { stop("cannot write \(path)") }
  var generator = RandomGenerator(seed: seed << 32)
  var bytes = [UInt64](repeating: 0, count: 8)
  let start = Date()
  for _ in 0..<count {
    for index in bytes.indices { bytes[index] = generator.next() }
    bytes.withUnsafeBytes {
      guard pwrite(last, $0.baseAddress, $0.count, 0) == $0.count else {
        stop("cannot write \(path)")
      }
      structuredPlans.run($0)
    }
  }
  let plans = structuredPlans
  print(
    "seed \(seed): \(plans.refused) plans refused, \(plans.accepted) accepted, \(plans.ran) ran on every level,",
    "\(plans.ranInForms) in exact forms too, \(Int(Date().timeIntervalSince(start))) s")
}

let arguments = CommandLine.arguments
guard arguments.count >= 3 else {
  stop(
    """
    Usage: Fuzz READER FILE-OR-LIBFUZZER-OPTION...
           Fuzz plans FOLDER
           Fuzz random COUNT SEED FILE
    """)
}
if arguments[1] == "plans" {
  try writePlans(to: arguments[2])
  exit(0)
}
if arguments[1] == "random" {
  guard arguments.count == 5, let count = Int(arguments[2]), let seed = UInt64(arguments[3]) else {
    stop("expected a number of plans, a seed and a file for the last plan")
  }
  runStructuredPlans(count, seed: seed, last: arguments[4])
  exit(0)
}
guard wantedReader != nil else {
  stop("expected \(readers.keys.sorted().joined(separator: ", ")), found \(arguments[1])")
}

#if FUZZING
  @_silgen_name("LLVMFuzzerRunDriver")
  func runLibFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ feed: @convention(c) (UnsafeRawPointer?, Int) -> CInt
  ) -> CInt

  // The name of the reader takes the place of the program's.
  var count = CommandLine.argc - 1
  var rest = CommandLine.unsafeArgv + 1
  exit(
    runLibFuzzer(&count, &rest) { start, count in
      wantedReader!(UnsafeRawBufferPointer(start: start, count: count))
      return 0
    })
#else
  // Without libFuzzer: each file once, to look at what made it stop.
  if arguments[1] == "structured" { structuredPlans.tells = true }
  for path in arguments[2...] {
    try Data(contentsOf: URL(fileURLWithPath: path)).withUnsafeBytes(wantedReader!)
    print("\(path): read or refused")
  }
#endif
