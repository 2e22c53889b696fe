// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlanFormat
import ResNetPlatform
import ResNetTeaching

/// The texts of a taught plan: the names of its classes, and where it comes from.
///
/// What cannot be shown of a folder's name is written as ``TextForm/line`` says.
struct PlanTexts {
  let classNames, provenance: UnsafeRawBufferPointer

  /// Bytes of memory for the texts, and for what is hashed for them.
  static func byteCount(_ size: PhotoTable.Size, _ plan: PlanView) -> Int {
    max(4 * size.nameBytes + strlen(plan.provenance) + 4096, size.photos * 36)
  }

  init(
    _ table: PhotoTable, _ summary: Summary, _ plan: PlanView, _ memory: borrowing TeachMemory
  ) {
    let photos = PlanTexts.digest(of: table, memory.texts)
    var text = GrowingText(memory.texts)
    for index in 0..<table.classCount {
      text.append(cString: table.className(index))
      text.append(byte: 0)
    }
    classNames = text.taken()
    text.copyLines(of: plan.provenance, without: "taught")
    text.append("taught: resnet-teach \(packageVersion), plan sha256 \(sha256(plan.file))\n")
    var line: TextLine = "taught photos: \(table.count) of \(table.classCount) classes, sha256 "
    for index in 0..<32 {
      line.append(hexDigit: photos[index] >> 4)
      line.append(hexDigit: photos[index] & 15)
    }
    if summary.isFlipped { line.append(", and their mirror images") }
    line.append("\n")
    text.append(line)
    let result = summary.result
    text.append(
      "taught settings: strength \(result.strength, decimals: 9), temperature \(result.temperature, decimals: 6)\n"
    )
    text.append("taught accuracy: \(result.right) of \(result.photos) right, ")
    text.append(
      result.folds == result.photos ? "each left out" : "left out in \(result.folds) parts")
    text.append(byte: 0)
    provenance = text.taken()
  }

  /// The SHA-256 digest of each photo's class and digest.
  private static func digest(
    of table: PhotoTable, _ memory: UnsafeMutableRawBufferPointer
  ) -> PhotoTable.Digest {
    for place in 0..<table.count {
      memory.storeBytes(
        of: UInt32(table.label(place)).littleEndian, toByteOffset: 36 * place, as: UInt32.self)
      withUnsafeBytes(of: table.digest(place)) {
        UnsafeMutableRawBufferPointer(rebasing: memory[(36 * place + 4)..<(36 * place + 36)])
          .copyMemory(from: $0)
      }
    }
    return resnet_teach.digest(UnsafeRawBufferPointer(rebasing: memory[..<(36 * table.count)]))
  }
}

/// Texts in memory that was given, one after another.
private struct GrowingText {
  private let memory: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0

  init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

  mutating func append(byte: UInt8) {
    memory[end] = byte
    end += 1
  }

  mutating func append(_ line: TextLine) {
    line.withUTF8 { for byte in $0 { append(byte: byte) } }
  }

  /// Appends text from outside.
  mutating func append(cString text: UnsafePointer<CChar>) {
    let bytes = UnsafeBufferPointer(cString: text)
    var index = 0
    while index < bytes.count {
      var line = TextLine()
      index += line.append(firstOf: UnsafeBufferPointer(rebasing: bytes[index...]), as: .line)
      append(line)
    }
  }

  /// Copies the lines of a text that do not start with a word; each gets its line feed.
  mutating func copyLines(of text: UnsafePointer<CChar>, without word: StaticString) {
    var line = text
    while line.pointee != 0 {
      let isWanted = strncmp(line, word.cString, word.utf8CodeUnitCount) != 0
      while line.pointee != 0, line.pointee != 0x0A {
        if isWanted { append(byte: UInt8(bitPattern: line.pointee)) }
        line += 1
      }
      if isWanted { append(byte: 0x0A) }
      if line.pointee == 0x0A { line += 1 }
    }
  }

  /// What was appended since the last text.
  mutating func taken() -> UnsafeRawBufferPointer {
    defer { start = end }
    return UnsafeRawBufferPointer(rebasing: memory[start..<end])
  }
}
