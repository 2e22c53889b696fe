// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// Words of a command line and names of files may be any bytes; what the tools write may not.
extension BoardTools.TextTests {
  /// Runs a command of bash with `$R` and `$B`, the tools, `$P`, a plan, and `$J`, a photo.
  private func shell(_ command: String, in folder: Scratch) throws -> ToolResult {
    try Tool(url: URL(fileURLWithPath: "/bin/bash")).end(
      ["-c", "cd \(folder.url.path); \(command)"],
      environment: [
        "R": Tool.run.url.path, "B": Tool.bench.url.path, "P": RandomPlan.small(),
        "J": Repository.example("church"),
      ])
  }

  /// A name of random bytes, in which control characters and parts of UTF-8 are frequent, for bash.
  private func randomName() -> String {
    let bytes = (0..<Int.random(in: 1...40)).map { _ in
      [
        UInt8.random(in: 1...255), .random(in: 1...31), .random(in: 0x80...0xBF), 0xC2, 0xE2, 0x80,
        0xAE,
      ]
      .randomElement()!
    }.filter { $0 != UInt8(ascii: "/") }
    return "$'n"
      + bytes.map { "\\x" + String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
      .joined() + "'"
  }

  private func isShown(_ text: Data) -> Bool {
    guard let text = String(validating: text, as: UTF8.self) else { return false }
    return text.unicodeScalars.allSatisfy { scalar in
      switch scalar.value {
      case 0x0A: true
      case 0..<0x20, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069: false
      default: true
      }
    }
  }

  @Test func photosOfAnyName() throws {
    let scratch = try Scratch()
    let names = Set((0..<60).map { _ in randomName() }).sorted()
    let link = names.map { "ln -sf $J \($0)" }.joined(separator: "; ")
    let words = names.joined(separator: " ")
    let json = try shell("\(link); $R $P \(words) no-such-file --json", in: scratch)
    #expect(json.status == 1 && isShown(json.output) && isShown(Data(json.errors.utf8)))
    let lines = json.output.split(separator: 0x0A)
    #expect(lines.count == names.count)
    for line in lines {
      let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
      // A combining mark may follow the n: it is the first byte, not always the first character.
      let file = object?["file"] as? String
      #expect(file?.utf8.first == UInt8(ascii: "n"), "\(Array(line))")
    }
    let text = try shell("$R $P \(words) --top 1", in: scratch)
    #expect(text.status == 0 && isShown(text.output))
    #expect(text.lines.count == 3 * names.count)
    let missing = try shell("rm n*; $R $P \(words)", in: scratch)
    #expect(missing.status == 1 && isShown(Data(missing.errors.utf8)))
    #expect(missing.errors.split(separator: "\n").count == names.count)
  }

  @Test(arguments: [
    "$R $X $J", "$R $P $J $X", "$R $P --evaluate $X", "$R $P --raw $X $J",
    "$R $P --raw 8x8:rgb24 $X",
    "$R $P $J --$X", "$R $P $J --top $X", "$R $P $J --isa $X", "$R $P $J --cpus $X",
    "$R $P $J --logits no/$X", "$R $P $J --logits $X --features $X",
    "echo > $X; $R $P $J --tuning $X",
    "RN_ISA=$X $R $P $J", "$B $X", "$B $P --seconds $X", "$B $P --json no/$X",
    "echo 1 > $X; $B $P --baseline $X --seconds 0.01",
    "mkdir -p d/$X; touch d/$X/$X.jpg; $R $P --evaluate d",
  ])
  func errorsWithAnyWords(command: String) throws {
    let word = "X=$'a\\x1b[31m\\xff\\xe2\\x80\\xae\\n\\x9b'; "
    let result = try shell(word + command.replacing("$X", with: "\"$X\""), in: Scratch())
    #expect(result.status == 1 || result.status == 2)
    #expect(isShown(Data(result.errors.utf8)), "\(result.errors)")
    #expect(!result.errors.contains("\u{FFFD}"), "the errors are UTF-8")
    #expect(result.errors.filter { $0 == "\n" }.count == 1, "\(result.errors)")
  }

  @Test func errorsTellWhatCannotBeShown() throws {
    let result = try shell("$R $'\\x1b[2J\\xff.plan' $J", in: Scratch())
    #expect(result.errors == "resnet-run: \\x1b[2J\\xff.plan: No such file or directory\n")
  }

  @Test func measurementsOfAPlanOfAnyName() throws {
    let scratch = try Scratch()
    let name = "$'\\xff\\x1b\\xe2\\x80\\xae<&>.plan'"
    let result = try shell(
      "ln -s $P \(name); $B \(name) --seconds 0.01 --json j --svg s --csv c; $B \(name) --seconds 0.01 --baseline j",
      in: scratch)
    #expect(result.status == 0 && isShown(result.output))
    let json = try JSONSerialization.jsonObject(with: scratch.data("j")) as? [String: Any]
    #expect(json?["plan"] as? String == "\u{FFFD}\u{1B}\u{202E}<&>.plan")
    for file in ["j", "s", "c"] { #expect(isShown(try scratch.data(file)), "\(file)") }
    let drawing = String(decoding: try scratch.data("s"), as: UTF8.self)
    #expect(drawing.contains("\u{FFFD}\u{FFFD}\u{FFFD}&lt;&amp;&gt;.plan"))
    #expect(result.text.contains("plan         \\xff\\x1b\\xe2\\x80\\xae<&>.plan\n"))
  }
}
