// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages
import ResNetPlatform

/// What the command line says about a stream of frames.
struct FrameOptions {
  /// What the word after --raw says.
  enum Kind {
    /// Frames of one size.
    case plain(width: Int, height: Int, FrameFormat)
    /// YUV4MPEG2, whose header tells the size and the format.
    case y4m
    /// JPEG images, one after another.
    case mjpeg
  }

  /// The word after --raw, and what it says.
  private(set) var raw: (word: UnsafePointer<CChar>, kind: Kind)?
  private(set) var every = 1
  private(set) var latest = false
  /// The folder that frames are saved in.
  private(set) var save: UnsafePointer<CChar>?
  private(set) var matrix: ColourMatrix?
  /// Nil for what writes the format: rpicam-vid gives JPEG's full range, webcams and decoders that of video.
  private(set) var range: ColourRange?
  /// Of the first plane and of the others; 0 for what follows from the width.
  private(set) var strides: (luma: Int, chroma: Int) = (0, 0)
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
    } else if word.isNamed("--save") {
      save = try words.value(of: word)
      firstOption = "--save"
    } else if word.isNamed("--matrix") {
      let isFirst = try words.choice(of: word, "bt601", "bt709", expected: "bt601 or bt709")
      matrix = isFirst ? .bt601 : .bt709
      firstOption = "--matrix"
    } else if word.isNamed("--range") {
      let isFirst = try words.choice(of: word, "full", "limited", expected: "full or limited")
      range = isFirst ? .full : .limited
      firstOption = "--range"
    } else if word.isNamed("--stride") {
      try parseStrides(words.value(of: word), of: word)
      firstOption = "--stride"
    } else {
      return false
    }
    return true
  }

  private mutating func parse(_ word: UnsafePointer<CChar>) throws(UsageError) {
    if strcmp(word, ("y4m" as StaticString).cString) == 0 {
      raw = (word, .y4m)
      return
    }
    if strcmp(word, ("mjpeg" as StaticString).cString) == 0 {
      raw = (word, .mjpeg)
      return
    }
    var next = word
    if let width = FrameOptions.number(&next), next.pointee == 0x78 {
      next += 1
      if let height = FrameOptions.number(&next), next.pointee == 0x3A,
        let format = FrameFormat(named: next + 1)
      {
        raw = (word, .plain(width: width, height: height, format))
        return
      }
    }
    throw .word(
      "expected a width, height and format such as 640x480:yuv420, or y4m or mjpeg, after --raw (yuv420, yuv422, nv12, nv21, yuyv, yvyu, uyvy, gray8, rgb24 or bgr24), found",
      word)
  }

  /// Reads one number, or two with a comma between them.
  private mutating func parseStrides(
    _ text: UnsafePointer<CChar>, of option: ArgumentWords.Word
  ) throws(UsageError) {
    var next = text
    if let luma = FrameOptions.number(&next), 1...1 << 17 ~= luma {
      strides = (luma, 0)
      if next.pointee == 0 { return }
      if next.pointee == 0x2C {
        next += 1
        if let chroma = FrameOptions.number(&next), 1...1 << 17 ~= chroma, next.pointee == 0 {
          strides.chroma = chroma
          return
        }
      }
    }
    throw .value(
      option.text, expected: "a number from 1 to 131072, or two with a comma between them",
      found: text)
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
