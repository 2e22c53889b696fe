// SPDX-License-Identifier: Apache-2.0
// Feeds the readers of foreign bytes with what libFuzzer makes of the seeds. A call that returns is
// good, whether the bytes were accepted or refused; what is looked for are traps, sanitizer
// reports, time and memory. Toolchains/fuzz builds and runs it.

import Foundation
import TestPlans

func stop(_ message: String) -> Never {
  FileHandle.standardError.write(Data((message + "\n").utf8))
  exit(2)
}

/// Writes plans of small networks, one of each number format, as seeds.
func writePlans(to folder: String) throws {
  let files = [
    "int8": try TestNetwork.basic.plan(inputSize: 32),
    "fp32": try TestNetwork.bottleneck.plan(inputSize: 32, weights: .float32),
    "fp16": try TestNetwork.pooled.plan(inputSize: 32, weights: .float16),
  ]
  for (name, bytes) in files {
    try Data(bytes).write(to: URL(fileURLWithPath: folder).appendingPathComponent(name))
  }
}

let arguments = CommandLine.arguments
guard arguments.count >= 3 else {
  stop("Usage: Fuzz plans FOLDER | Fuzz READER FILE-OR-LIBFUZZER-OPTION...")
}
if arguments[1] == "plans" {
  try writePlans(to: arguments[2])
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
  for path in arguments[2...] {
    try Data(contentsOf: URL(fileURLWithPath: path)).withUnsafeBytes(wantedReader!)
    print("\(path): read or refused")
  }
#endif
