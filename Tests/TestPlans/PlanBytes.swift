// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// CRC-32C.
package func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
  let bytes = Array(bytes)
  return rn_crc32c(0, bytes, bytes.count)
}

extension [UInt8] {
  /// A little-endian number.
  package func number(at offset: Int, count: Int) -> UInt64 {
    withUnsafeBytes { $0.number(at: offset, count: count) }
  }

  package mutating func set(_ value: UInt64, at offset: Int, count: Int) {
    withUnsafeMutableBytes { $0.set(value, at: offset, count: count) }
  }

  /// Writes the checksums that a plan file with these bytes should have.
  package mutating func reseal() { withUnsafeMutableBytes { $0.reseal() } }
}

extension UnsafeRawBufferPointer {
  /// A little-endian number.
  package func number(at offset: Int, count: Int) -> UInt64 {
    self[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

extension UnsafeMutableRawBufferPointer {
  /// A little-endian number.
  package func number(at offset: Int, count: Int) -> UInt64 {
    UnsafeRawBufferPointer(self).number(at: offset, count: count)
  }

  package func set(_ value: UInt64, at offset: Int, count: Int) {
    for byte in 0..<count { self[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
  }

  /// Writes the checksums that a plan file with these bytes should have, as far as the header names
  /// places inside the file.
  package func reseal() {
    guard count >= 512 else { return }
    for entry in stride(from: 64, to: 352, by: 32) {
      let start = number(at: entry + 8, count: 8)
      let size = number(at: entry + 16, count: 8)
      guard start <= UInt64(count), size <= UInt64(count) - start else { continue }
      let padded = Int(size + 63) / 64 * 64
      guard padded <= count - Int(start) else { continue }
      set(UInt64(rn_crc32c(0, baseAddress! + Int(start), padded)), at: entry + 4, count: 4)
    }
    set(UInt64(rn_crc32c(0, baseAddress!, 508)), at: 508, count: 4)
  }
}
