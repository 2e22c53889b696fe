// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// The SHA-256 digest (FIPS 180-4) of `bytes`.
///
/// - Complexity: O(bytes).
/// - **Allocates:** nothing.
public func sha256Digest(_ bytes: UnsafeRawBufferPointer) -> InlineArray<32, UInt8> {
  var digest = InlineArray<32, UInt8>(repeating: 0)
  withUnsafeMutableBytes(of: &digest) {
    rn_sha256(bytes.baseAddress, bytes.count, $0.baseAddress!.assumingMemoryBound(to: UInt8.self))
  }
  return digest
}

/// The same as a text of 64 lower-case hexadecimal digits.
///
/// - Complexity: O(bytes).
/// - **Allocates:** nothing.
public func sha256(_ bytes: UnsafeRawBufferPointer) -> TextLine {
  let digest = sha256Digest(bytes)
  var text = TextLine()
  for index in 0..<32 {
    text.append(hexDigit: digest[index] >> 4)
    text.append(hexDigit: digest[index] & 15)
  }
  return text
}

#if !hasFeature(Embedded)
  /// The SHA-256 digest (FIPS 180-4) of `bytes`: 64 lower-case hexadecimal digits.
  public func sha256Hex(_ bytes: UnsafeRawBufferPointer) -> String { String(sha256(bytes)) }

  /// The SHA-256 digest (FIPS 180-4) of `bytes`: 64 lower-case hexadecimal digits.
  public func sha256Hex(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { sha256Hex($0) } }
#endif
