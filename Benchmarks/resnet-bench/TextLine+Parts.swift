// SPDX-License-Identifier: Apache-2.0

import ResNetPlatform

extension TextLine {
  /// The line, or "unknown" if it is empty.
  var orUnknown: TextLine { count == 0 ? "unknown" : self }

  /// Eight hexadecimal digits.
  init(hexadecimal number: UInt32) {
    self.init()
    for digit in 0..<8 { append(hexDigit: UInt8(number >> (28 - 4 * digit) & 15)) }
  }
}
