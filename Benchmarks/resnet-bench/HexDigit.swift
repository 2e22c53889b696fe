// SPDX-License-Identifier: Apache-2.0

extension Int {
  /// The value of a hexadecimal digit, or nil if it is none.
  init?(hexDigit: UInt8) {
    switch hexDigit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self = Int(hexDigit - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self = Int(hexDigit - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self = Int(hexDigit - UInt8(ascii: "A")) + 10
    default: return nil
    }
  }
}
