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
    self[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  package mutating func set(_ value: UInt64, at offset: Int, count: Int) {
    for byte in 0..<count { self[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
  }

  /// Writes the checksums that a plan file with these bytes should have, as far as the header names
  /// places inside the file.
  package mutating func reseal() {
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
