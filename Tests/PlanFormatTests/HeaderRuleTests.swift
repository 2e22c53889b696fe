// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import TestPlans
import Testing

@Suite struct HeaderRuleTests {
  private let sound: [UInt8]

  init() throws { sound = try TestNetwork.basic.plan(inputSize: 32) }

  /// Expects an error of the file with its header changed and sealed again.
  private func expect(
    _ expected: PlanError, seal: Bool = true, sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout [UInt8]) -> Void
  ) {
    var bytes = sound
    change(&bytes)
    if seal { bytes.reseal() }
    let found = planError(bytes)
    #expect(found?.description == expected.description, sourceLocation: sourceLocation)
  }

  @Test func theUnchangedFileIsSound() {
    #expect(planError(sound) == nil)
  }

  @Test func otherFilesAreNoPlans() {
    expect(.notAPlan) { $0[0] = UInt8(ascii: "X") }
    expect(.notAPlan) { $0[7] = UInt8(ascii: "\r") }
    expect(.notAPlan) { $0 = [] }
    expect(.notAPlan) { $0 = Array($0.prefix(7)) }
    expect(.notAPlan) { $0 = Array("a text of a line or two\n".utf8) }
  }

  @Test func otherVersionsAreNamed() {
    expect(.version(found: 3)) { $0.set(3, at: 8, count: 4) }
    expect(.version(found: 0xFFFF_FFFF)) { $0.set(0xFFFF_FFFF, at: 8, count: 4) }
  }

  @Test func sizesMustAgree() {
    let count = sound.count
    expect(.size(expected: 512, found: 8)) { $0 = Array($0.prefix(8)) }
    expect(.size(expected: 512, found: 511)) { $0 = Array($0.prefix(511)) }
    expect(.size(expected: UInt64(count), found: 512)) { $0 = Array($0.prefix(512)) }
    expect(.size(expected: UInt64(count), found: count + 64)) {
      $0 += [UInt8](repeating: 0, count: 64)
    }
    expect(.size(expected: .max, found: count)) { $0.set(.max, at: 16, count: 8) }
  }

  @Test func checksumsAreChecked() {
    // Reserved bytes count too.
    for place in [24, 40, 100, 400, 508, 511] {
      expect(.headerChecksum, seal: false) { $0[place] ^= 0x10 }
    }
    for section in 0..<9 {
      let kind = PlanSection(rawValue: UInt32(section))!
      let start = Int(sound.number(at: 72 + 32 * section, count: 8))
      expect(.sectionChecksum(kind), seal: false) { $0[start] ^= 1 }
      let padding = start + (Int(sound.number(at: 80 + 32 * section, count: 8)) + 63) / 64 * 64 - 1
      expect(.sectionChecksum(kind), seal: false) { $0[padding] ^= 0x80 }
    }
  }

  @Test func memoryIsBelow4GiB() {
    let rule = PlanError.section(
      .model, "an arena, scratch and transformed weights below 4 GiB and 9 sections")
    expect(rule) { $0.set(1 << 32, at: 24, count: 8) }
    expect(rule) { $0.set(.max, at: 32, count: 8) }
    expect(rule) { $0.set(1 << 32, at: 40, count: 8) }
    expect(rule) { $0.set(8, at: 12, count: 4) }
    expect(rule) { $0.set(10, at: 12, count: 4) }
  }

  @Test func reservedBytesAreZero() {
    for place in [48, 60, 352, 504] {
      expect(.section(.model, "zeros in the reserved bytes of the header")) {
        $0.set(1, at: place, count: 4)
      }
    }
    expect(.section(.model, "a place right after the section before it, within the file")) {
      $0.set(1, at: 88, count: 8)
    }
  }

  @Test func sectionsFollowEachOther() {
    for section in 0..<9 {
      let entry = 64 + 32 * section
      let rule = PlanError.section(
        PlanSection(rawValue: UInt32(section))!,
        "a place right after the section before it, within the file")
      let start = sound.number(at: entry + 8, count: 8)
      expect(rule) { $0.set(UInt64(section + 1), at: entry, count: 4) }
      expect(rule) { $0.set(start + 64, at: entry + 8, count: 8) }
      expect(rule) { $0.set(.max, at: entry + 8, count: 8) }
      expect(rule) { $0.set(.max, at: entry + 16, count: 8) }
      expect(rule) { $0.set(UInt64($0.count) - start + 1, at: entry + 16, count: 8) }
    }
    let rule = PlanError.section(.constants, "the end of the file after it")
    expect(rule) {
      $0 += [UInt8](repeating: 0, count: 64)
      $0.set(UInt64($0.count), at: 16, count: 8)
    }
  }

  @Test func aFileThatEndsInsideItsPaddingIsRefused() {
    // Without the padding of the last section; all sizes in the header are as the file's.
    expect(
      .section(.constants, "a place right after the section before it, within the file")
    ) {
      let entry = 64 + 32 * 8
      $0.set($0.number(at: entry + 16, count: 8) - 1, at: entry + 16, count: 8)
      $0.removeLast()
      $0.set(UInt64($0.count), at: 16, count: 8)
    }
  }
}
