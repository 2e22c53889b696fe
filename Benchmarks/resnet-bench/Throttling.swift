// SPDX-License-Identifier: Apache-2.0

import ResNetPlatform

/// What is known about slowing down between two moments.
struct Throttling {
  let start, end: MachineState

  /// Appends it in words: "unknown", "none", or what happened.
  func describe(to line: inout TextLine) {
    if let before = start.firmwareFlags, let after = end.firmwareFlags {
      describe(flags: before | after, to: &line)
    } else if let before = start.throttleCount, let after = end.throttleCount {
      if after == before {
        line.append("none")
      } else {
        line.append(after - before)
        line.append(" times while measuring")
      }
    } else {
      line.append("unknown")
    }
  }

  private func describe(flags: Int, to line: inout TextLine) {
    guard flags & 0xF000F != 0 else { return line.append("none") }
    let now = flags & 0xF
    let past = flags >> 16 & 0xF & ~now
    if now != 0 {
      Throttling.append(now, to: &line)
      line.append(" while measuring")
    }
    if past != 0 {
      if now != 0 { line.append("; ") }
      Throttling.append(past, to: &line)
      line.append(" since power-on")
    }
  }

  private static func append(_ flags: Int, to line: inout TextLine) {
    let names: (StaticString, StaticString, StaticString, StaticString) = (
      "under-voltage", "clock capped", "throttled", "temperature limit"
    )
    var isFirst = true
    func append(_ bit: Int, _ name: StaticString) {
      guard flags >> bit & 1 == 1 else { return }
      if !isFirst { line.append(", ") }
      isFirst = false
      line.append(name)
    }
    append(0, names.0)
    append(1, names.1)
    append(2, names.2)
    append(3, names.3)
  }
}
