// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetPlatform
import Testing

@Suite struct InterpolationTests {
  private struct Subject: TextDescribable {
    func describe(to line: inout TextLine) { line.append("inner \(1)") }
  }

  @Test func partsAreWrittenInOrder() {
    let line: TextLine = "a \(-5) \(2.25, decimals: 1) \("b" as StaticString) \(Subject()) \u{B7}"
    #expect(String(line) == "a -5 2.2 b inner 1 \u{B7}")
    #expect(Subject().description == "inner 1")
  }

  @Test func errnosAreWords() {
    let line: TextLine = "x: \(errno: ENOENT)"
    #expect(String(line) == "x: No such file or directory")
  }

  @Test(arguments: [(1.5, "1.50"), (.infinity, "null"), (-.infinity, "null"), (.nan, "null")])
  func jsonHasNoInfinities(number: Double, text: String) {
    #expect(String("\(json: number, decimals: 2)" as TextLine) == text)
  }

  @Test func appendingKeepsWhatIsThere() {
    var line: TextLine = "one"
    line.append(" two")
    line.append(" \(3)")
    #expect(String(line) == "one two 3")
  }
}
