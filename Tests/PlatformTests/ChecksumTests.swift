// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import Testing

/// CRC-32C with and without instructions for it.
@Suite struct ChecksumTests {
  private func both(_ bytes: [UInt8], from crc: UInt32 = 0) -> (UInt32, UInt32) {
    (rn_crc32c(crc, bytes, bytes.count), rn_crc32c_portable(crc, bytes, bytes.count))
  }

  /// RFC 3720, appendix B.4.
  @Test func knownMessages() {
    #expect(both([UInt8](repeating: 0, count: 32)) == (0x8A91_36AA, 0x8A91_36AA))
    #expect(both([UInt8](repeating: 255, count: 32)) == (0x62A8_AB43, 0x62A8_AB43))
    #expect(both(Array(0..<32)) == (0x46DD_794E, 0x46DD_794E))
  }

  @Test func anyLengthAddressAndSplit() {
    var generator = SystemRandomNumberGenerator()
    for count in Array(0..<200) + [4096, 100_003] {
      let bytes = (0..<count + count % 8).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let message = Array(bytes.dropFirst(count % 8))
      let start = UInt32.random(in: 0...UInt32.max, using: &generator)
      let (found, expected) = both(message, from: start)
      let unaligned = bytes.withUnsafeBytes {
        rn_crc32c(start, $0.baseAddress.map { $0 + count % 8 }, count)
      }
      #expect(found == expected && unaligned == expected, "\(count) bytes from \(start)")
      let split = count / 3
      let parts = both(
        Array(message.dropFirst(split)), from: both(Array(message.prefix(split)), from: start).0)
      #expect(parts == (expected, expected), "\(count) bytes from \(start), in two parts")
    }
  }
}
