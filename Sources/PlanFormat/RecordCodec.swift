// SPDX-License-Identifier: Apache-2.0

/// A piece of a plan with fields at fixed places.
package protocol PlanRecord {
  /// Bytes in the file, at most 256.
  static var byteCount: Int { get }

  /// A record to be filled by reading.
  init()

  /// Reads or writes every field. Each is named here once, with its offset.
  mutating func code(_ codec: inout RecordCodec)
}

/// What the record of a step holds for its operation.
protocol StepPayload {
  init()
  mutating func code(_ codec: inout RecordCodec)
}

extension PlanRecord {
  /// Reads a record, or returns nil if a code does not exist, an offset exceeds Int or a reserved byte is not 0.
  package init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
    self.init()
    var codec = RecordCodec(reading: bytes, at: start)
    code(&codec)
    guard codec.isSound(Self.byteCount) else { return nil }
  }

  /// Writes the record into `bytes`, which holds zeros.
  package func write(to bytes: UnsafeMutableRawBufferPointer, at start: Int) {
    var codec = RecordCodec(writing: bytes, at: start)
    var copy = self
    copy.code(&codec)
  }
}

/// Moves the fields of a record between memory and a file, little-endian, in one direction.
///
/// What no field covers is reserved: it is 0 in a sound record.
package struct RecordCodec {
  private let bytes: UnsafeMutableRawPointer
  private let isReading: Bool
  private var hasKnownCodes = true
  /// Bit n stands for bytes 4 n … 4 n + 3 of the record: whether a field covers them.
  private var covered: UInt64 = 0
  /// The start of the payload, which follows a common header.
  private var base = 0

  init(reading bytes: UnsafeRawBufferPointer, at start: Int) {
    self.bytes = UnsafeMutableRawPointer(mutating: bytes.baseAddress! + start)
    isReading = true
  }

  init(writing bytes: UnsafeMutableRawBufferPointer, at start: Int) {
    self.bytes = bytes.baseAddress! + start
    isReading = false
  }

  /// Lets the offsets of the fields that follow count from `offset`.
  mutating func startPayload(at offset: Int) { base = offset }

  /// An integer, of its own size.
  @inline(never)
  mutating func number<Number: FixedWidthInteger>(_ value: inout Number, at offset: Int) {
    let place = base + offset
    let size = MemoryLayout<Number>.size
    for word in place / 4...(place + size - 1) / 4 { covered |= 1 << UInt64(word) }
    if isReading {
      value = Number(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Number.self))
    } else {
      bytes.storeBytes(of: value.littleEndian, toByteOffset: place, as: Number.self)
    }
  }

  /// A count or an index of 4 bytes.
  mutating func u32(_ value: inout Int, at offset: Int) {
    var stored = UInt32(value)
    number(&stored, at: offset)
    value = Int(stored)
  }

  /// A count or an offset of 8 bytes; the greatest Int for what exceeds it, which is not sound.
  mutating func u64(_ value: inout Int, at offset: Int) {
    var stored = UInt64(value)
    number(&stored, at: offset)
    value = Int(clamping: stored)
    if value != stored { hasKnownCodes = false }
  }

  mutating func f32(_ value: inout Float, at offset: Int) {
    var pattern = value.bitPattern
    number(&pattern, at: offset)
    value = Float(bitPattern: pattern)
  }

  /// A code, of the size of its raw value.
  mutating func code<Code: RawRepresentable>(_ value: inout Code, at offset: Int)
  where Code.RawValue: FixedWidthInteger {
    code(&value, at: offset, as: Code.RawValue.self)
  }

  /// A code, of the size of another integer.
  mutating func code<Code: RawRepresentable, Stored: FixedWidthInteger>(
    _ value: inout Code, at offset: Int, as _: Stored.Type
  ) where Code.RawValue: FixedWidthInteger {
    var stored = Stored(value.rawValue)
    number(&stored, at: offset)
    guard let raw = Code.RawValue(exactly: stored), let known = Code(rawValue: raw) else {
      hasKnownCodes = false
      return
    }
    value = known
  }

  /// The payload of a step's operation.
  @inline(never)
  mutating func payload<Payload: StepPayload>(_ payload: Payload?) -> Payload {
    var payload = payload ?? Payload()
    payload.code(&self)
    return payload
  }

  /// Whether a record of `byteCount` bytes that was read has known codes and zeros in reserved bytes.
  func isSound(_ byteCount: Int) -> Bool {
    guard hasKnownCodes else { return false }
    for word in 0..<byteCount / 4 where covered >> UInt64(word) & 1 == 0 {
      if bytes.loadUnaligned(fromByteOffset: 4 * word, as: UInt32.self) != 0 { return false }
    }
    return true
  }
}
