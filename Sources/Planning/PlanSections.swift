// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import ResNetPlatform

/// The sections of a plan while it is made.
struct PlanSections {
  private var strings: [UInt8] = []
  private var stringOffsets: [String: Int] = [:]
  /// The constants in order; pieces, which the file takes over one by one.
  private var constants: [[UInt8]] = []
  private var constantByteCount = 0

  /// The offset of a name, which is stored once. What cannot be shown of it is written as ``TextForm/line`` says.
  mutating func string(_ name: String) -> Int {
    let text = String(name, as: .line)
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
    _ header: PlanHeader, model: ModelRecord, preprocessing: PreprocessingRecord,
    classNames: [String], provenance: String, tensors: [TensorRecord], steps: [StepRecord],
    outputs: [OutputRecord]
  ) -> [UInt8] {
    let classes: [UInt8] = classNames.isEmpty ? [0] : classNames.flatMap { Array($0.utf8) + [0] }
    let sections: [[UInt8]] = [
      written([model]), written([preprocessing]), strings, classes, Array(provenance.utf8) + [0],
      written(tensors), written(steps), written(outputs),
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
    file.withUnsafeMutableBytes { file in
      counts.withUnsafeBufferPointer { header.seal(file, sectionByteCounts: $0) }
    }
    return file
  }

  private func pad(_ bytes: inout [UInt8], to count: Int) {
    bytes.append(contentsOf: repeatElement(0, count: count - bytes.count))
  }

  private func written<Record: PlanRecord>(_ records: [Record]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: records.count * Record.byteCount)
    bytes.withUnsafeMutableBytes {
      for (index, record) in records.enumerated() {
        record.write(to: $0, at: index * Record.byteCount)
      }
    }
    return bytes
  }
}
