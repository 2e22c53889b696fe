// SPDX-License-Identifier: Apache-2.0

import CCrypto

/// The SHA-256 digest (FIPS 180-4) of `bytes`: 64 lower-case hexadecimal digits.
///
/// It is computed by libcrypto and identifies the checkpoint that a plan was made from.
public func sha256Hex(_ bytes: UnsafeRawBufferPointer) -> String {
  var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
  var count: UInt32 = 0
  guard EVP_Digest(bytes.baseAddress, bytes.count, &digest, &count, EVP_sha256(), nil) == 1 else {
    fatalError("libcrypto was built or configured without SHA-256")
  }
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for byte in digest.prefix(Int(count)) {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}

/// The SHA-256 digest (FIPS 180-4) of `bytes`: 64 lower-case hexadecimal digits.
public func sha256Hex(_ bytes: [UInt8]) -> String {
  bytes.withUnsafeBytes { sha256Hex($0) }
}
