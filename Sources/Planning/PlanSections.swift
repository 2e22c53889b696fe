// SPDX-License-Identifier: Apache-2.0

import CKernels
import PlanFormat

/// The sections of a plan while it is made.
struct PlanSections {
  private var strings: [UInt8] = []
  private var stringOffsets: [String: Int] = [:]
  private(set) var constants: [UInt8] = []

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
    let offset = PlanLayout.aligned(constants.count)
    constants.append(contentsOf: repeatElement(0, count: offset - constants.count))
    values.withUnsafeBytes { constants.append(contentsOf: $0) }
    return offset
  }

  /// Assembles the file.
  func assemble(
    model: ModelRecord, recipe: RecipeRecord, classNames: [String], provenance: String,
    tensors: [TensorRecord], steps: [StepRecord], arenaByteCount: Int, scratchByteCount: Int
  ) -> [UInt8] {
    let classes: [UInt8] = classNames.isEmpty ? [0] : classNames.flatMap { Array($0.utf8) + [0] }
    let sections: [[UInt8]] = [
      record(ModelRecord.byteCount) { model.write(to: $0, at: 0) },
      record(RecipeRecord.byteCount) { recipe.write(to: $0, at: 0) },
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
      constants,
    ]
    var kernels = rn_kernels()
    rn_kernels_init(&kernels, rn_isa_detect())
    var header = [UInt8](repeating: 0, count: PlanLayout.headerByteCount)
    var file: [UInt8] = []
    let fileSize = sections.reduce(header.count) { $0 + PlanLayout.aligned($1.count) }
    file.reserveCapacity(fileSize)
    var offset = header.count
    header.withUnsafeMutableBytes { bytes in
      let magic = PlanLayout.magic
      bytes.copyMemory(
        from: UnsafeRawBufferPointer(start: magic.utf8Start, count: magic.utf8CodeUnitCount))
      bytes.set(PlanLayout.version, at: 8)
      bytes.set(UInt32(sections.count), at: 12)
      bytes.set(UInt64(fileSize), at: 16)
      bytes.set(UInt64(arenaByteCount), at: 24)
      bytes.set(UInt64(scratchByteCount), at: 32)
      for (index, section) in sections.enumerated() {
        let padding = PlanLayout.aligned(section.count) - section.count
        let padded = section + [UInt8](repeating: 0, count: padding)
        let entry =
          PlanLayout.sectionTableOffset + index * PlanLayout.sectionEntryByteCount
        bytes.set(UInt32(index), at: entry)
        bytes.set(kernels.crc32c(0, padded, padded.count), at: entry + 4)
        bytes.set(UInt64(offset), at: entry + 8)
        bytes.set(UInt64(section.count), at: entry + 16)
        offset += padded.count
        file += padded
      }
      let crc = kernels.crc32c(0, bytes.baseAddress, PlanLayout.headerCRCOffset)
      bytes.set(crc, at: PlanLayout.headerCRCOffset)
    }
    return header + file
  }

  private func record(_ count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBytes { write($0) }
    return bytes
  }
}
