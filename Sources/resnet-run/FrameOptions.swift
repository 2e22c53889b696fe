// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages

/// What the command line says about a stream of frames.
struct FrameOptions {
  /// The word after --raw, and what it says.
  private(set) var size: (word: UnsafePointer<CChar>, width: Int, height: Int, format: FrameFormat)?
  private(set) var every = 1
  private(set) var latest = false
  private(set) var matrix = ColourMatrix.bt601
  /// Nil for what writes the format: rpicam-vid gives JPEG's full range, webcams and decoders that of video.
  private(set) var range: ColourRange?
  private(set) var stride = 0
  /// An option that only frames have, if there was one.
  private(set) var firstOption: StaticString?

  /// Reads an option, if it is one of these.
  mutating func take(
    _ word: ArgumentWords.Word, _ words: inout ArgumentWords
  ) throws(UsageError) -> Bool {
    if word.isNamed("--raw") {
      try parse(words.value(of: word))
    } else if word.isNamed("--every") {
      every = try words.number(of: word, in: 1...1_000_000)
      firstOption = "--every"
    } else if word.isNamed("--latest") {
      latest = true
      firstOption = "--latest"
    } else if word.isNamed("--matrix") {
      let isFirst = try words.choice(of: word, "bt601", "bt709", expected: "bt601 or bt709")
      matrix = isFirst ? .bt601 : .bt709
      firstOption = "--matrix"
    } else if word.isNamed("--range") {
      let isFirst = try words.choice(of: word, "full", "limited", expected: "full or limited")
      range = isFirst ? .full : .limited
      firstOption = "--range"
    } else if word.isNamed("--stride") {
      stride = try words.number(of: word, in: 1...1 << 17)
      firstOption = "--stride"
    } else {
      return false
    }
    return true
  }

  private mutating func parse(_ word: UnsafePointer<CChar>) throws(UsageError) {
    var next = word
    guard let width = FrameOptions.number(&next), next.pointee == 0x78 else {
      throw FrameOptions.unknown(word)
    }
    next += 1
    guard let height = FrameOptions.number(&next), next.pointee == 0x3A else {
      throw FrameOptions.unknown(word)
    }
    next += 1
    guard let format = FrameFormat(named: next) else { throw FrameOptions.unknown(word) }
    size = (word, width, height, format)
  }

  private static func unknown(_ word: UnsafePointer<CChar>) -> UsageError {
    .word(
      "expected a width, height and format such as 640x480:yuv420 after --raw (yuv420, nv12, yuyv, rgb24 or bgr24), found",
      word)
  }

  /// Digits, at most six of them.
  private static func number(_ next: inout UnsafePointer<CChar>) -> Int? {
    var number = 0
    let start = next
    while 0x30...0x39 ~= next.pointee {
      guard next - start < 6 else { return nil }
      number = number * 10 + Int(next.pointee) - 0x30
      next += 1
    }
    return next > start ? number : nil
  }
}

extension FrameFormat {
  /// The format of some name on the command line.
  fileprivate init?(named text: UnsafePointer<CChar>) {
    let names: InlineArray<5, (StaticString, FrameFormat)> = [
      ("yuv420", .yuv420), ("nv12", .nv12), ("yuyv", .yuyv), ("rgb24", .rgb24), ("bgr24", .bgr24),
    ]
    for index in names.indices where strcmp(text, names[index].0.cString) == 0 {
      self = names[index].1
      return
    }
    return nil
  }
}

extension ArgumentWords {
  /// Whether the value of an option is the first of two words; the other is the second.
  fileprivate mutating func choice(
    of option: Word, _ first: StaticString, _ second: StaticString, expected: StaticString
  ) throws(UsageError) -> Bool {
    let text = try value(of: option)
    if strcmp(text, first.cString) == 0 { return true }
    guard strcmp(text, second.cString) == 0 else {
      throw .value(option.text, expected: expected, found: text)
    }
    return false
  }
}
