// SPDX-License-Identifier: Apache-2.0

import Foundation

extension Tool {
  /// The most memory, in bytes, that a run of the tool had resident.
  ///
  /// The kernel keeps the maximum; that of `wait4` would count this process from before the exec as well.
  package func peakBytes(_ arguments: [String]) throws -> Int {
    try watch(arguments, "status") { status in
      let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
      let words = line?.split(whereSeparator: { " \t".contains($0) })
      return 1024 * (words?.dropFirst().first.flatMap { Int($0) } ?? 0)
    }
  }

  /// Runs the tool, which must succeed, and returns the greatest of what `size` finds in the file `name`
  /// of its folder in /proc, read again and again.
  package func watch(
    _ arguments: [String], _ name: String, size: (String) -> Int
  ) throws -> Int {
    let process = process(arguments)
    try process.start()
    var peak = 0
    while process.isRunning {
      // The process may end at any moment, and its files with it.
      let file = FileHandle(forReadingAtPath: "/proc/\(process.processIdentifier)/\(name)")
      let bytes = (try? file?.readToEnd()) ?? Data()
      peak = max(peak, size(String(decoding: bytes, as: UTF8.self)))
      usleep(5000)
    }
    guard process.terminationStatus == 0 else {
      throw ToolFailure(errors: "status \(process.terminationStatus)")
    }
    return peak
  }
}
