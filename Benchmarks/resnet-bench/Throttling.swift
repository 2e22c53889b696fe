// SPDX-License-Identifier: Apache-2.0

import ResNetPlatform

/// What is known about slowing down between two moments: "unknown", "none", or what happened.
struct Throttling: TextDescribable {
  let start, end: MachineState

  func describe(to line: inout TextLine) {
    if let before = start.firmwareFlags, let after = end.firmwareFlags {
      describe(flags: before | after, to: &line)
    } else if let before = start.throttleCount, let after = end.throttleCount {
      line.append(after == before ? "none" : "\(after - before) times while measuring")
    } else {
      line.append("unknown")
    }
  }

  private func describe(flags: Int, to line: inout TextLine) {
    guard flags & 0xF000F != 0 else { return line.append("none") }
    let now = flags & 0xF
    let past = flags >> 16 & 0xF & ~now
    if now != 0 { line.append("\(FirmwareFlags(bits: now)) while measuring") }
    if past != 0 {
      if now != 0 { line.append("; ") }
      line.append("\(FirmwareFlags(bits: past)) since power-on")
    }
  }
}

/// What the firmware of a Raspberry Pi reports in four bits.
private struct FirmwareFlags: TextDescribable {
  let bits: Int

  func describe(to line: inout TextLine) {
    let names: InlineArray<4, StaticString> = [
      "under-voltage", "clock capped", "throttled", "temperature limit",
    ]
    var isFirst = true
    for bit in 0..<4 where bits >> bit & 1 == 1 {
      if !isFirst { line.append(", ") }
      isFirst = false
      line.append(names[bit])
    }
  }
}
