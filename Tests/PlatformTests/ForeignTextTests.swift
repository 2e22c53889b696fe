// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetPlatform
import Testing

@Suite struct ForeignTextTests {
  private static let form = [TextForm.line, .json, .xml]

  private func written(_ bytes: [UInt8], as form: TextForm) -> String {
    var line = TextLine()
    bytes.withUnsafeBufferPointer { line.append($0, as: form) }
    return line.withUTF8 { String(validating: $0, as: UTF8.self) } ?? "no UTF-8"
  }

  /// What Unicode's tables say of the characters that are escaped.
  private func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    case .format:
      // Embeddings, overrides and isolates; of format characters, joiners and marks are needed to write.
      (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
    default: false
    }
  }

  @Test(
    arguments: [
      ("church ü čáp 教会 👩‍🌾", "church ü čáp 教会 👩‍🌾", "church ü čáp 教会 👩‍🌾", "church ü čáp 教会 👩‍🌾"),
      (
        "\u{1B}[2J\n\t\r\u{0}\u{7F}", #"\x1b[2J\x0a\x09\x0d\x00\x7f"#,
        #"\u001b[2J\u000a\u0009\u000d\u0000\u007f"#,
        "\u{FFFD}[2J\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"
      ),
      (
        "\u{9B}\u{2028}\u{202E}", #"\xc2\x9b\xe2\x80\xa8\xe2\x80\xae"#, #"\u009b\u2028\u202e"#,
        "\u{FFFD}\u{FFFD}\u{FFFD}"
      ),
      ("<a> & \"b\\c\"", "<a> & \"b\\c\"", #"<a> & \"b\\c\""#, #"&lt;a&gt; &amp; &quot;b\c&quot;"#),
    ])
  func whatCannotBeShownIsEscaped(text: String, line: String, json: String, xml: String) {
    let bytes = Array(text.utf8)
    #expect(written(bytes, as: .line) == line && String(text, as: .line) == line)
    #expect(written(bytes, as: .json) == json && String(text, as: .json) == json)
    #expect(written(bytes, as: .xml) == xml && String(text, as: .xml) == xml)
    #expect((text.firstHiddenCharacter == nil) == !text.unicodeScalars.contains(where: isHidden))
  }

  /// Overlong forms, surrogates, what is beyond Unicode, and sequences that break off.
  @Test(
    arguments: [
      [0x80], [0xFF], [0xC0, 0xAF], [0xC1, 0x81], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
      [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC3],
      [0xE2, 0x82], [0xF0, 0x9F, 0x98],
    ] as [[UInt8]])
  func whatIsNoUTF8IsEscapedByteByByte(bytes: [UInt8]) {
    let escaped = bytes.map { "\\x" + String($0, radix: 16) }.joined()
    #expect(written(bytes, as: .line) == escaped)
    let replaced = String(repeating: "\u{FFFD}", count: bytes.count)
    #expect(written(bytes, as: .json) == replaced && written(bytes, as: .xml) == replaced)
    #expect(bytes.withUnsafeBufferPointer { firstHiddenByte($0) } == 0)
  }

  @Test func everyCharacterIsShownOrNot() {
    for code in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(code) else { continue }
      var text = String(scalar)
      let isFound = text.withUTF8 { firstHiddenByte($0) } == 0
      guard isFound == isHidden(scalar) else {
        Issue.record("U+\(String(code, radix: 16))")
        return
      }
    }
  }

  @Test func anyBytesMakeALineThatCanBeTurnedBack() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      // Often of bytes that begin or go on with characters; a backslash could not be told from an escape.
      let bytes = (0..<Int.random(in: 1...24, using: &generator)).map { _ in
        [UInt8.random(in: 0...255), .random(in: 0x80...0xBF), 0xC2, 0xE2, 0x80, 0xAE, 0x1B, 0x41]
          .randomElement(using: &generator)!
      }.filter { $0 != 0x5C }
      let line = written(bytes, as: .line)
      #expect(!line.unicodeScalars.contains(where: isHidden), "\(bytes)")
      var back: [UInt8] = []
      var rest = Array(line.utf8)[...]
      while let byte = rest.popFirst() {
        guard byte == 0x5C else {
          back.append(byte)
          continue
        }
        back.append(UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)!)
        rest = rest.dropFirst(3)
      }
      #expect(back == bytes)
      let json = Data("[\"\(written(bytes, as: .json))\"]".utf8)
      let read = (try? JSONSerialization.jsonObject(with: json)) as? [String]
      #expect(read?.count == 1, "\(bytes)")
      if let text = String(validating: bytes, as: UTF8.self) { #expect(read == [text]) }
    }
  }

  @Test func aCharacterIsNotCutAtTheEndOfALine() {
    for text in ["\u{1B}", "é", "教", "👩", "\u{202E}"] {
      for form in Self.form {
        for room in 0..<14 {
          var line = TextLine()
          for _ in 0..<TextLine.capacity - room { line.append(byte: 0x41) }
          var text = text
          text.withUTF8 { line.append($0, as: form) }
          let end = String(line).drop { $0 == "A" }
          #expect(end.isEmpty || String(end) == String(text, as: form))
        }
      }
    }
  }

  @Test func longTextIsWhole() {
    let text = String(repeating: "a\u{1B}é", count: 10_000)
    #expect(String(text, as: .line) == String(repeating: "a\\x1bé", count: 10_000))
  }

  @Test func wordsFromOutsideInALine() {
    let line: TextLine = "photo \("a\u{1B}[0m.jpg" as StaticString)"
    #expect(String(line) == "photo a\u{1B}[0m.jpg", "text of the program stays")
    "a\u{1B}[0m.jpg".withCString { name in
      let line: TextLine = "photo \(name)"
      #expect(String(line) == "photo a\\x1b[0m.jpg")
    }
  }
}
