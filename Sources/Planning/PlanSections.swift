// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlanFormat

/// Bytes that a session needs besides the plan.
struct PlanMemory {
  /// All tensors.
  var arena = 0
  /// For each thread.
  var scratch = 0
  /// Transformed weights that a session makes.
  var made = 0
}

/// The sections of a plan while it is made.
struct PlanSections {
  private var strings: [UInt8] = []
  private var stringOffsets: [String: Int] = [:]
  /// The constants in order; pieces, which the file takes over one by one.
  private var constants: [[UInt8]] = []
  private var constantByteCount = 0

  /// The offset of a name, which is stored once.
  mutating func string(_ text: String) -> Int {
    if let known = stringOffsets[text] { return known }
    let offset = strings.count
    strings.append(contentsOf: text.utf8)
    strings.append(0)
    stringOffsets[text] = offset
    return offset
  }

  /// Appends values as little-endian bytes at the next aligned offset, which it returns.
  mutating func append<Value: BitwiseCopyable>(_ values: [Value]) -> Int {
    let offset = PlanLayout.aligned(constantByteCount)
    let padding = offset - constantByteCount
    values.withUnsafeBytes { values in
      var piece: [UInt8] = []
      piece.reserveCapacity(padding + values.count)
      piece.append(contentsOf: repeatElement(0, count: padding))
      piece.append(contentsOf: values)
      constants.append(piece)
      constantByteCount = offset + values.count
    }
    return offset
  }

  /// Assembles the file; the constants move there.
  ///
  /// - **Allocates:** the file.
  mutating func assemble(
    model: ModelRecord, preprocessing: PreprocessingRecord, classNames: [String],
    provenance: String,
    tensors: [TensorRecord], steps: [StepRecord], memory: PlanMemory
  ) -> [UInt8] {
    let classes: [UInt8] = classNames.isEmpty ? [0] : classNames.flatMap { Array($0.utf8) + [0] }
    let sections: [[UInt8]] = [
      record(ModelRecord.byteCount) { model.write(to: $0, at: 0) },
      record(PreprocessingRecord.byteCount) { preprocessing.write(to: $0, at: 0) },
      strings, classes, Array(provenance.utf8) + [0],
      record(tensors.count * TensorRecord.byteCount) {
        for (index, tensor) in tensors.enumerated() {
          tensor.write(to: $0, at: index * TensorRecord.byteCount)
        }
      },
      record(steps.count * StepRecord.byteCount) {
        for (index, step) in steps.enumerated() {
          step.write(to: $0, at: index * StepRecord.byteCount)
        }
      },
    ]
    let counts = sections.map(\.count) + [constantByteCount]
    let fileSize = counts.reduce(PlanLayout.headerByteCount) { $0 + PlanLayout.aligned($1) }
    var file: [UInt8] = []
    file.reserveCapacity(fileSize)
    pad(&file, to: PlanLayout.headerByteCount)
    for section in sections {
      file += section
      pad(&file, to: PlanLayout.aligned(file.count))
    }
    constants.reverse()
    while let piece = constants.popLast() { file += piece }
    pad(&file, to: fileSize)
    file.withUnsafeMutableBytes {
      writeHeader(to: $0, sectionByteCounts: counts, memory)
    }
    return file
  }

  /// Writes the header of a file whose sections are there.
  private func writeHeader(
    to file: UnsafeMutableRawBufferPointer, sectionByteCounts: [Int], _ memory: PlanMemory
  ) {
    let magic = PlanLayout.magic
    file.copyMemory(
      from: UnsafeRawBufferPointer(start: magic.utf8Start, count: magic.utf8CodeUnitCount))
    file.set(PlanLayout.version, at: 8)
    file.set(UInt32(sectionByteCounts.count), at: 12)
    file.set(UInt64(file.count), at: 16)
    file.set(UInt64(memory.arena), at: 24)
    file.set(UInt64(memory.scratch), at: 32)
    file.set(UInt64(memory.made), at: 40)
    var offset = PlanLayout.headerByteCount
    for (index, count) in sectionByteCounts.enumerated() {
      let padded = PlanLayout.aligned(count)
      let entry = PlanLayout.sectionTableOffset + index * PlanLayout.sectionEntryByteCount
      file.set(UInt32(index), at: entry)
      file.set(rn_crc32c(0, file.baseAddress! + offset, padded), at: entry + 4)
      file.set(UInt64(offset), at: entry + 8)
      file.set(UInt64(count), at: entry + 16)
      offset += padded
    }
    let crc = rn_crc32c(0, file.baseAddress, PlanLayout.headerCRCOffset)
    file.set(crc, at: PlanLayout.headerCRCOffset)
  }

  private func pad(_ bytes: inout [UInt8], to count: Int) {
    bytes.append(contentsOf: repeatElement(0, count: count - bytes.count))
  }

  private func record(_ count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBytes { write($0) }
    return bytes
  }
}
