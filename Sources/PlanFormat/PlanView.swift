// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlatform

/// A validated plan in memory that somebody else owns.
///
/// Every count, offset, size and shape has been checked when a view exists: whatever the records
/// say, steps stay within the arena, the constants and the image.
///
/// - **Allocates:** nothing; the view points into the bytes it was made of, which must outlive it.
public struct PlanView {
  /// The whole file.
  public let bytes: UnsafeRawBufferPointer
  /// The network.
  public let model: ModelRecord
  /// The preprocessing.
  public let preprocessing: PreprocessingRecord
  /// Bytes of the arena that holds all tensors.
  public let arenaByteCount: Int
  /// Bytes of scratch memory for each thread.
  public let scratchByteCount: Int
  /// Bytes of transformed weights that a session makes.
  public let madeByteCount: Int
  /// The number of tensors.
  public let tensorCount: Int
  /// The number of steps.
  public let stepCount: Int
  /// Packed weights, biases and multipliers.
  public let constants: UnsafeRawBufferPointer

  private let tensorBytes, stepBytes: UnsafeRawBufferPointer
  private let strings, classNames, provenanceText: UnsafeRawBufferPointer

  /// Reads and validates a plan.
  ///
  /// - Parameter bytes: the file, starting at a multiple of 64, as a mapping does.
  /// - Throws: ``PlanError`` with the first rule that is broken.
  /// - Complexity: O(bytes) for the checksums and O(tensors²) for the overlap check.
  public init(validating bytes: UnsafeRawBufferPointer) throws(PlanError) {
    let header = try PlanHeader(bytes)
    self.bytes = bytes
    arenaByteCount = header.arenaByteCount
    scratchByteCount = header.scratchByteCount
    madeByteCount = header.madeByteCount
    let modelBytes = header.section(.model)
    guard modelBytes.count == ModelRecord.byteCount, let model = ModelRecord(modelBytes, at: 0)
    else { throw .section(.model, "a record of 96 bytes with known codes") }
    self.model = model
    let recipeBytes = header.section(.preprocessing)
    guard recipeBytes.count == PreprocessingRecord.byteCount,
      let preprocessing = PreprocessingRecord(recipeBytes, at: 0)
    else { throw .section(.preprocessing, "a record of 64 bytes with known codes") }
    self.preprocessing = preprocessing
    strings = try PlanView.text(header.section(.strings), .strings)
    classNames = try PlanView.text(header.section(.classes), .classes)
    provenanceText = try PlanView.text(header.section(.provenance), .provenance)
    constants = header.section(.constants)
    tensorBytes = header.section(.tensors)
    stepBytes = header.section(.steps)
    tensorCount = tensorBytes.count / TensorRecord.byteCount
    stepCount = stepBytes.count / StepRecord.byteCount
    guard tensorBytes.count % TensorRecord.byteCount == 0, 1...1024 ~= tensorCount
    else { throw .section(.tensors, "1 to 1024 records of 64 bytes") }
    guard stepBytes.count % StepRecord.byteCount == 0, 1...1024 ~= stepCount
    else { throw .section(.steps, "1 to 1024 records of 96 bytes") }
    try validate()
  }

  /// The record of a tensor; `index` is below ``tensorCount``.
  public func tensor(_ index: Int) -> TensorRecord {
    TensorRecord(tensorBytes, at: index * TensorRecord.byteCount)!
  }

  /// The record of a step; `index` is below ``stepCount``.
  public func step(_ index: Int) -> StepRecord {
    StepRecord(stepBytes, at: index * StepRecord.byteCount)!
  }

  /// Reads a tensor record that has not been validated yet.
  func rawTensor(_ index: Int) -> TensorRecord? {
    TensorRecord(tensorBytes, at: index * TensorRecord.byteCount)
  }

  /// Reads a step record that has not been validated yet.
  func rawStep(_ index: Int) -> StepRecord? {
    StepRecord(stepBytes, at: index * StepRecord.byteCount)
  }

  /// The name at an offset of the strings: UTF-8, ended by a zero byte.
  public func name(_ offset: Int) -> UnsafePointer<CChar> {
    (strings.baseAddress! + offset).assumingMemoryBound(to: CChar.self)
  }

  var stringsByteCount: Int { strings.count }

  /// Lines of `key: value` about the plan's origin, ended by a zero byte.
  public var provenance: UnsafePointer<CChar> {
    provenanceText.baseAddress!.assumingMemoryBound(to: CChar.self)
  }

  /// Whether the plan names its classes.
  public var hasClassNames: Bool { classNames.count > 1 }

  /// The name of a class, or nil if the plan has no names.
  ///
  /// - Complexity: O(bytes of the names before it).
  public func className(_ index: Int) -> UnsafeBufferPointer<UInt8>? {
    guard hasClassNames else { return nil }
    var start = 0
    for _ in 0..<index {
      while classNames[start] != 0 { start += 1 }
      start += 1
    }
    var end = start
    while classNames[end] != 0 { end += 1 }
    return UnsafeBufferPointer(
      start: (classNames.baseAddress! + start).assumingMemoryBound(to: UInt8.self),
      count: end - start)
  }

  var classNameCount: Int {
    var count = 0
    if hasClassNames { for byte in classNames where byte == 0 { count += 1 } }
    return count
  }

  private static func text(_ bytes: UnsafeRawBufferPointer, _ section: PlanSection)
    throws(PlanError) -> UnsafeRawBufferPointer
  {
    guard let last = bytes.last, last == 0 else {
      throw .section(section, "text ended by a zero byte")
    }
    return bytes
  }
}

/// The header of a plan, with every section's place and checksum verified.
private struct PlanHeader {
  let bytes: UnsafeRawBufferPointer
  let arenaByteCount: Int
  let scratchByteCount: Int
  let madeByteCount: Int

  init(_ bytes: UnsafeRawBufferPointer) throws(PlanError) {
    self.bytes = bytes
    let magic = PlanLayout.magic
    guard bytes.count >= magic.utf8CodeUnitCount,
      memcmp(bytes.baseAddress!, magic.utf8Start, magic.utf8CodeUnitCount) == 0
    else { throw .notAPlan }
    guard bytes.count >= PlanLayout.headerByteCount else {
      throw .size(expected: UInt64(PlanLayout.headerByteCount), found: bytes.count)
    }
    guard bytes.u32(8) == PlanLayout.version else { throw .version(found: bytes.u32(8)) }
    guard
      rn_crc32c(0, bytes.baseAddress, PlanLayout.headerCRCOffset)
        == bytes.u32(PlanLayout.headerCRCOffset)
    else { throw .headerChecksum }
    guard bytes.u64(16) == UInt64(bytes.count) else {
      throw .size(expected: bytes.u64(16), found: bytes.count)
    }
    // An arena beyond 4 GiB is no plan for a board; the bound keeps later sums in range.
    let limit = UInt64(UInt32.max)
    guard bytes.u64(24) <= limit, bytes.u64(32) <= limit, bytes.u64(40) <= limit,
      bytes.u32(12) == UInt32(PlanLayout.sectionCount)
    else {
      throw .section(.model, "an arena, scratch and transformed weights below 4 GiB and 8 sections")
    }
    arenaByteCount = Int(bytes.u64(24))
    scratchByteCount = Int(bytes.u64(32))
    madeByteCount = Int(bytes.u64(40))

    var end = PlanLayout.headerByteCount
    for index in 0..<PlanLayout.sectionCount {
      let kind = PlanSection(rawValue: UInt32(index))!
      let entry = PlanHeader.entryOffset(kind)
      guard bytes.u32(entry) == kind.rawValue, bytes.u64(entry + 8) == UInt64(end),
        bytes.u64(entry + 16) <= UInt64(bytes.count - end)
      else { throw .section(kind, "a place right after the section before it, within the file") }
      let padded = PlanLayout.aligned(Int(bytes.u64(entry + 16)))
      guard padded <= bytes.count - end else {
        throw .section(kind, "a place right after the section before it, within the file")
      }
      guard rn_crc32c(0, bytes.baseAddress! + end, padded) == bytes.u32(entry + 4)
      else { throw .sectionChecksum(kind) }
      end += padded
    }
    guard end == bytes.count else { throw .section(.constants, "the end of the file after it") }
  }

  static func entryOffset(_ section: PlanSection) -> Int {
    PlanLayout.sectionTableOffset + Int(section.rawValue) * PlanLayout.sectionEntryByteCount
  }

  func section(_ kind: PlanSection) -> UnsafeRawBufferPointer {
    let entry = PlanHeader.entryOffset(kind)
    let start = Int(bytes.u64(entry + 8))
    return UnsafeRawBufferPointer(
      start: bytes.baseAddress! + start, count: Int(bytes.u64(entry + 16)))
  }
}
