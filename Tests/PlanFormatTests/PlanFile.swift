// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import TestPlans
import Testing

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

  /// A field of the record `index`; setting it sets all its places.
  subscript(field: PlanField, index: Int) -> UInt64 {
    get {
      self[field.section].number(at: index * field.byteCount + field.offsets[0], count: field.size)
    }
    set {
      for offset in field.offsets {
        self[field.section].set(newValue, at: index * field.byteCount + offset, count: field.size)
      }
    }
  }

  /// Gives a step the arithmetic of float32.
  mutating func setFloat32(step: Int) {
    self[StepField.activations, step] = 1
    self[StepField.weightFormat, step] = 2
    self[StepField.accumulator, step] = 1
  }

  /// The section of constants with its padding.
  var constantsByteCount: UInt64 { UInt64((self[.constants].count + 63) / 64 * 64) }

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

extension PlanError {
  /// The header's memory is not what the records need.
  static var arenaAsNeeded: PlanError {
    .section(.tensors, "an arena in the header as large as they need")
  }
  static var scratchAsNeeded: PlanError {
    .section(.steps, "scratch memory in the header as large as they need")
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

extension PlanFile {
  /// Expects an error of the file with a change.
  func expect(
    _ expected: PlanError, at location: SourceLocation = #_sourceLocation,
    _ change: (inout PlanFile) -> Void
  ) {
    var file = self
    change(&file)
    #expect(planError(file.bytes)?.description == expected.description, sourceLocation: location)
  }

  /// Expects an error of the file with each of `values` in a field of the record `index`.
  func expect(
    _ expected: PlanError, of index: Int = 0, _ field: PlanField, _ values: [UInt64],
    at location: SourceLocation = #_sourceLocation
  ) {
    for value in values { expect(expected, at: location) { $0[field, index] = value } }
  }

  /// Expects an error at a step of the file with a change.
  func expect(
    step: Int, _ rule: StaticString, at location: SourceLocation = #_sourceLocation,
    _ change: (inout PlanFile) -> Void
  ) {
    expect(.step(index: step, rule), at: location, change)
  }

  /// Expects an error at a step of the file with each of `values` in a field of it.
  func expect(
    step: Int, _ rule: StaticString, _ field: PlanField, _ values: [UInt64],
    at location: SourceLocation = #_sourceLocation
  ) {
    expect(.step(index: step, rule), of: step, field, values, at: location)
  }
}
