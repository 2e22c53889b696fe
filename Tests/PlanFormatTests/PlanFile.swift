// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlanFormat
import TestPlans
import Testing

private func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
  let bytes = Array(bytes)
  return rn_crc32c_portable(0, bytes, bytes.count)
}

/// A plan file taken apart, to be changed and put together again with right checksums.
///
/// It knows the layout from the documentation of the format, not from the planner.
struct PlanFile {
  var arena: UInt64
  var scratch: UInt64
  var made: UInt64
  var sections: [[UInt8]]

  init(_ bytes: [UInt8]) {
    arena = bytes.number(at: 24, count: 8)
    scratch = bytes.number(at: 32, count: 8)
    made = bytes.number(at: 40, count: 8)
    sections = (0..<9).map { section in
      let start = Int(bytes.number(at: 72 + 32 * section, count: 8))
      return Array(bytes[start..<start + Int(bytes.number(at: 80 + 32 * section, count: 8))])
    }
  }

  subscript(section: PlanSection) -> [UInt8] {
    get { sections[Int(section.rawValue)] }
    set { sections[Int(section.rawValue)] = newValue }
  }

  mutating func set(_ section: PlanSection, _ offset: Int, _ value: UInt32) {
    self[section].set(UInt64(value), at: offset, count: 4)
  }

  mutating func set(_ section: PlanSection, _ offset: Int, byte: UInt8) {
    self[section][offset] = byte
  }

  /// Sets the fields of a step at several offsets to one value.
  mutating func set(step: Int, _ field: [Int], _ value: UInt32) {
    for offset in field { set(.steps, step * StepField.byteCount + offset, value) }
  }

  mutating func setFloat(_ section: PlanSection, _ offset: Int, _ value: Float) {
    set(section, offset, value.bitPattern)
  }

  mutating func set64(_ section: PlanSection, _ offset: Int, _ value: UInt64) {
    self[section].set(value, at: offset, count: 8)
  }

  /// The file.
  var bytes: [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    var body: [UInt8] = []
    for (index, section) in sections.enumerated() {
      let padded = section + [UInt8](repeating: 0, count: (64 - section.count % 64) % 64)
      let entry = 64 + 32 * index
      header.set(UInt64(index), at: entry, count: 4)
      header.set(UInt64(checksum(padded)), at: entry + 4, count: 4)
      header.set(UInt64(512 + body.count), at: entry + 8, count: 8)
      header.set(UInt64(section.count), at: entry + 16, count: 8)
      body += padded
    }
    header.replaceSubrange(0..<8, with: Array("RNPLAN\r\n".utf8))
    header.set(UInt64(PlanLayout.version), at: 8, count: 4)
    header.set(9, at: 12, count: 4)
    header.set(UInt64(512 + body.count), at: 16, count: 8)
    header.set(arena, at: 24, count: 8)
    header.set(scratch, at: 32, count: 8)
    header.set(made, at: 40, count: 8)
    header.set(UInt64(checksum(header[..<508])), at: 508, count: 4)
    return header + body
  }
}

extension [UInt8] {
  /// A little-endian number.
  func number(at offset: Int, count: Int) -> UInt64 {
    self[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  mutating func set(_ value: UInt64, at offset: Int, count: Int) {
    for byte in 0..<count { self[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
  }

  /// Writes the checksums that a plan file with these bytes should have, as far as the header names
  /// places inside the file.
  mutating func reseal() {
    guard count >= 512 else { return }
    for entry in stride(from: 64, to: 352, by: 32) {
      let start = number(at: entry + 8, count: 8)
      let size = number(at: entry + 16, count: 8)
      guard start <= UInt64(count), size <= UInt64(count) - start else { continue }
      let end = Int(start + size + 63) / 64 * 64
      guard end <= count else { continue }
      set(UInt64(checksum(self[Int(start)..<end])), at: entry + 4, count: 4)
    }
    set(UInt64(checksum(self[..<508])), at: 508, count: 4)
  }
}

/// The error of a file, nil if it is valid.
func planError(_ bytes: [UInt8]) -> PlanError? {
  let memory = GuardedMemory(capacity: bytes.count)
  do {
    _ = try PlanView(validating: memory.suffix(holding: bytes))
    return nil
  } catch {
    return error
  }
}

/// Expects an error of a changed file.
func expectError(
  _ expected: PlanError, in file: PlanFile, sourceLocation: SourceLocation = #_sourceLocation,
  _ change: (inout PlanFile) -> Void
) {
  var file = file
  change(&file)
  #expect(
    planError(file.bytes)?.description == expected.description, sourceLocation: sourceLocation)
}

/// Expects an error at a step of a changed file; `change` is given where its record starts.
func expectStepError(
  _ step: Int, _ rule: StaticString, in file: PlanFile,
  sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout PlanFile, Int) -> Void
) {
  expectError(.step(index: step, rule), in: file, sourceLocation: sourceLocation) {
    change(&$0, step * StepField.byteCount)
  }
}
