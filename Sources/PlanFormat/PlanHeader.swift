// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// The start of a plan; ``PlanLayout`` has its table.
package struct PlanHeader: PlanRecord {
  package static var byteCount: Int { 64 }

  private var magic: UInt64 = 0
  private var version = PlanLayout.version
  private var sectionCount = UInt32(PlanLayout.sectionCount)
  private var fileByteCount: UInt64 = 0
  /// Bytes for all tensors.
  package var arenaByteCount = 0
  /// Bytes for each thread.
  package var scratchByteCount = 0
  /// Bytes for transformed weights that a session makes.
  package var loadTimeByteCount = 0

  package init() {}

  package mutating func code(_ codec: inout RecordCodec) {
    codec.number(&magic, at: 0)
    codec.number(&version, at: 8)
    codec.number(&sectionCount, at: 12)
    codec.number(&fileByteCount, at: 16)
    codec.u64(&arenaByteCount, at: 24)
    codec.u64(&scratchByteCount, at: 32)
    codec.u64(&loadTimeByteCount, at: 40)
  }

  /// Reads the header and verifies the place and the checksum of every section.
  ///
  /// - Parameters:
  ///   - bytes: the start of the file up to the constants: all that is read from now on, but for them.
  ///   - file: the whole file, of which only the constants are read.
  init(verifying bytes: UnsafeRawBufferPointer, of file: UnsafeRawBufferPointer) throws(PlanError) {
    let magic = PlanLayout.magic
    guard bytes.count >= magic.utf8CodeUnitCount,
      memcmp(bytes.baseAddress!, magic.utf8Start, magic.utf8CodeUnitCount) == 0
    else { throw .notAPlan }
    guard bytes.count >= PlanLayout.headerByteCount else {
      throw .size(expected: UInt64(PlanLayout.headerByteCount), found: file.count)
    }
    var codec = RecordCodec(reading: bytes, at: 0)
    self.init()
    code(&codec)
    guard version == PlanLayout.version else { throw .version(found: version) }
    guard PlanHeader.checksum(bytes) == bytes.u32(PlanHeader.checksumOffset) else {
      throw .headerChecksum
    }
    guard fileByteCount == UInt64(file.count) else {
      throw .size(expected: fileByteCount, found: file.count)
    }
    // An arena beyond 4 GiB is no plan for a board; the bound keeps later sums in range.
    let limit = Int(UInt32.max)
    guard arenaByteCount <= limit, scratchByteCount <= limit, loadTimeByteCount <= limit,
      sectionCount == UInt32(PlanLayout.sectionCount)
    else {
      throw .section(.model, "an arena, scratch and transformed weights below 4 GiB and 9 sections")
    }
    var isReservedZero = codec.isSound(PlanHeader.byteCount)
    let tableEnd = SectionEntry.offset(PlanLayout.sectionCount)
    for offset in stride(from: tableEnd, to: PlanHeader.checksumOffset, by: 4) {
      isReservedZero = isReservedZero && bytes.u32(offset) == 0
    }
    guard isReservedZero else {
      throw .section(.model, "zeros in the reserved bytes of the header")
    }
    var end = PlanLayout.headerByteCount
    for index in 0..<PlanLayout.sectionCount {
      let kind = PlanSection(rawValue: UInt32(index))!
      let place = kind == .constants ? file : bytes
      guard let entry = SectionEntry(bytes, at: SectionEntry.offset(index)),
        entry.kind == kind.rawValue, entry.offset == end, entry.byteCount <= place.count - end,
        PlanLayout.aligned(entry.byteCount) <= place.count - end
      else { throw .section(kind, "a place right after the section before it, within the file") }
      if kind == .constants, end != bytes.count {
        throw .section(.constants, "at most 16 MiB before it")
      }
      let padded = PlanLayout.aligned(entry.byteCount)
      guard rn_crc32c(0, place.baseAddress! + end, padded) == entry.checksum
      else { throw .sectionChecksum(kind) }
      end += padded
    }
    guard end == file.count else { throw .section(.constants, "the end of the file after it") }
  }

  /// The bytes before the constants of a file that may be damaged: no more than it has, and at most 16 MiB.
  static func headByteCount(of file: UnsafeRawBufferPointer) -> Int {
    let (least, most) = (PlanLayout.headerByteCount, min(file.count, 1 << 24))
    guard most >= least else { return most }
    let entry = SectionEntry(file, at: SectionEntry.offset(Int(PlanSection.constants.rawValue)))
    return min(max(entry?.offset ?? most, least), most)
  }

  /// The bytes of a section as a verified header says, within the bytes that have it.
  static func section(
    _ section: PlanSection, of header: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer {
    let entry = SectionEntry(header, at: SectionEntry.offset(Int(section.rawValue)))!
    return UnsafeRawBufferPointer(
      start: bytes.baseAddress! + entry.offset, count: entry.byteCount)
  }

  /// Writes the header of a file whose sections are in their places.
  ///
  /// - Parameter sectionByteCounts: bytes of each section, without padding.
  package func seal(
    _ file: UnsafeMutableRawBufferPointer, sectionByteCounts: UnsafeBufferPointer<Int>
  ) {
    let constants = PlanLayout.aligned(sectionByteCounts[sectionByteCounts.count - 1])
    let head = UnsafeMutableRawBufferPointer(rebasing: file[..<(file.count - constants)])
    seal(
      head, sectionByteCounts: sectionByteCounts,
      constantsChecksum: rn_crc32c(0, file.baseAddress! + head.count, constants))
  }

  /// Writes the header of a file whose constants are elsewhere.
  ///
  /// - Parameters:
  ///   - head: all before the constants, with the sections in their places.
  ///   - sectionByteCounts: bytes of each section, without padding; the last are the constants'.
  ///   - constantsChecksum: the CRC-32C of the constants, padding included.
  func seal(
    _ head: UnsafeMutableRawBufferPointer, sectionByteCounts: UnsafeBufferPointer<Int>,
    constantsChecksum: UInt32
  ) {
    var header = self
    let constants = sectionByteCounts.count - 1
    header.fileByteCount = UInt64(head.count + PlanLayout.aligned(sectionByteCounts[constants]))
    header.write(to: head, at: 0)
    let magic = PlanLayout.magic
    head.copyMemory(
      from: UnsafeRawBufferPointer(start: magic.utf8Start, count: magic.utf8CodeUnitCount))
    var offset = PlanLayout.headerByteCount
    for index in 0..<sectionByteCounts.count {
      let padded = PlanLayout.aligned(sectionByteCounts[index])
      var entry = SectionEntry()
      entry.kind = UInt32(index)
      entry.checksum =
        index == constants
        ? constantsChecksum : rn_crc32c(0, head.baseAddress! + offset, padded)
      entry.offset = offset
      entry.byteCount = sectionByteCounts[index]
      entry.write(to: head, at: SectionEntry.offset(index))
      offset += padded
    }
    let checksum = PlanHeader.checksum(UnsafeRawBufferPointer(head))
    head.storeBytes(
      of: checksum.littleEndian, toByteOffset: PlanHeader.checksumOffset, as: UInt32.self)
  }

  static var checksumOffset: Int { PlanLayout.headerByteCount - 4 }

  private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    rn_crc32c(0, bytes.baseAddress, checksumOffset)
  }
}

/// A section's line in the header.
private struct SectionEntry: PlanRecord {
  static var byteCount: Int { 32 }

  static func offset(_ index: Int) -> Int { PlanHeader.byteCount + index * byteCount }

  var kind: UInt32 = 0
  var checksum: UInt32 = 0
  var offset = 0
  var byteCount = 0

  mutating func code(_ codec: inout RecordCodec) {
    codec.number(&kind, at: 0)
    codec.number(&checksum, at: 4)
    codec.u64(&offset, at: 8)
    codec.u64(&byteCount, at: 16)
  }
}
