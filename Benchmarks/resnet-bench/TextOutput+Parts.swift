// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool
import ResNetPlatform

extension TextOutput {
  /// Appends a line's text, or "unknown" if it is empty.
  mutating func append(orUnknown line: TextLine) {
    if line.count == 0 {
      append("unknown")
    } else {
      append(line)
    }
  }
}

extension TextLine {
  /// Eight hexadecimal digits.
  init(hexadecimal number: UInt32) {
    self.init()
    for digit in 0..<8 { append(hexDigit: UInt8(number >> (28 - 4 * digit) & 15)) }
  }
}
