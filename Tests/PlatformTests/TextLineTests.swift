// SPDX-License-Identifier: Apache-2.0

import ResNetPlatform
import Testing

/// The text that `append` makes in an empty line.
private func text(_ append: (inout TextLine) -> Void) -> String {
  var line = TextLine()
  append(&line)
  return String(line)
}

@Suite struct TextLineTests {
  @Test func integersHaveAllTheirDigits() {
    for number in [0, 7, -7, 10, 99, 100, -100, 1_000_000, Int.max, Int.min] {
      #expect(text { $0.append(number) } == String(number))
    }
    #expect(text { $0.append(UInt64.max) } == "18446744073709551615")
    #expect(text { $0.append(Int8.min) } == "-128")
  }

  @Test(
    arguments: [
      (0, 0, "0"), (0, 3, "0.000"), (1, 0, "1"), (-1.5, 1, "-1.5"), (0.05, 2, "0.05"),
      (12.3456, 2, "12.35"), (0.999, 2, "1.00"), (9.96, 1, "10.0"), (1234567.5, 3, "1234567.500"),
      (1.0 / 3, 9, "0.333333333"), (1e18, 0, "1000000000000000000"),
    ] as [(Double, Int, String)])
  func decimalsAreRounded(number: Double, decimals: Int, expected: String) {
    #expect(text { $0.append(number, decimals: decimals) } == expected)
  }

  @Test func halvesGoToEven() {
    for (number, expected) in [(0.5, "0"), (1.5, "2"), (2.5, "2"), (-2.5, "-2"), (-3.5, "-4")] {
      #expect(text { $0.append(number, decimals: 0) } == expected)
    }
    // Exact in binary, so that the half is a half.
    #expect(text { $0.append(0.125, decimals: 2) } == "0.12")
    #expect(text { $0.append(0.375, decimals: 2) } == "0.38")
  }

  @Test func numbersBeyondTheRangeAreCut() {
    #expect(text { $0.append(1e300, decimals: 0) } == "9000000000000000000")
    #expect(text { $0.append(-Double.infinity, decimals: 2) } == "-90000000000000000.00")
    #expect(text { $0.append(Double.nan, decimals: 2) } == "nan")
  }

  @Test func textBeyondTheCapacityIsCut() {
    var line = TextLine()
    for _ in 0..<TextLine.capacity - 2 { line.append("x") }
    line.append("12345")
    #expect(line.count == TextLine.capacity)
    #expect(String(line).hasSuffix("xx12"))
    line.append(7)
    line.append(cString: "abc")
    line.pad(to: TextLine.capacity + 10)
    #expect(line.count == TextLine.capacity)
    #expect(String(line).hasSuffix("xx12"))
  }

  @Test func paddingReachesItsColumnAndNoLess() {
    #expect(
      text {
        $0.append("ab")
        $0.pad(to: 5)
        $0.append("c")
        $0.pad(to: 3)
      } == "ab   c")
  }
}
