// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlanFormat
import ResNetPlatform

/// The texts of a taught plan: the names of its classes, and where it comes from.
///
/// What cannot be shown of a name is written as ``TextForm/line`` says.
package struct TaughtTexts {
  /// Who taught a plan.
  package enum Teacher {
    /// The tool, with photos of a folder.
    case tool
    /// The C library, with features that its caller gave.
    case library

    fileprivate var name: StaticString {
      switch self {
      case .tool: "resnet-teach"
      case .library: "libresnet-runtime"
      }
    }
    fileprivate var source: StaticString {
      switch self {
      case .tool: "photos"
      case .library: "features"
      }
    }
  }

  let classNames, provenance: UnsafeRawBufferPointer

  /// Bytes of memory for the texts, and for what is hashed for them.
  static func byteCount(nameBytes: Int, photos: Int, _ plan: PlanView) -> Int {
    max(4 * nameBytes + strlen(plan.provenance) + 4096, photos * photoByteCount)
  }

  /// Bytes of a photo's class and digest.
  private static var photoByteCount: Int { 36 }

  init(
    _ plan: PlanView, _ trainer: borrowing HeadTrainer, _ photos: some LabelledFeatures,
    by teacher: Teacher, _ memory: UnsafeMutableRawBufferPointer
  ) {
    let digest = TaughtTexts.digest(of: photos, memory)
    var text = GrowingText(memory)
    for index in 0..<photos.classCount {
      text.append(cString: photos.className(index))
      text.append(byte: 0)
    }
    classNames = text.taken()
    text.copyLines(of: plan.provenance, without: "taught")
    text.append("taught: \(teacher.name) \(packageVersion), plan sha256 \(sha256(plan.file))\n")
    text.append(
      "taught \(teacher.source): \(photos.count) of \(photos.classCount) classes, sha256 \(digest)")
    text.append(trainer.size.views == 2 ? ", and their mirror images\n" : "\n")
    let result = trainer.result!
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
    of photos: some LabelledFeatures, _ memory: UnsafeMutableRawBufferPointer
  ) -> TextLine {
    for photo in 0..<photos.count {
      let place = photoByteCount * photo
      memory.storeBytes(
        of: UInt32(photos.label(photo)).littleEndian, toByteOffset: place, as: UInt32.self)
      withUnsafeBytes(of: photos.digest(photo)) {
        UnsafeMutableRawBufferPointer(rebasing: memory[(place + 4)...]).copyMemory(from: $0)
      }
    }
    return sha256(UnsafeRawBufferPointer(rebasing: memory[..<(photoByteCount * photos.count)]))
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
