// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlatform

/// How the pixels of a camera's frame lie in memory.
///
/// - Source: the names and layouts are those of FFmpeg's pixel formats; V4L2 calls them YU12, 422P, NV12, NV21,
///   YUYV, YVYU, UYVY, GREY, RGB3 and BGR3.
public enum FrameFormat: Equatable, Sendable {
  /// Planes Y, U, V, the latter two of half the width and height (I420): 12 bits a pixel. Width and
  /// height are even.
  case yuv420
  /// Planes Y, U, V, the latter two of half the width: 16 bits a pixel. The width is even.
  case yuv422
  /// A plane Y and one of pairs U, V of half the width and height: 12 bits a pixel. Width and height
  /// are even.
  case nv12
  /// The same with pairs V, U, as Android's cameras give them.
  case nv21
  /// Y, U, Y, V for two pixels of a row: 16 bits a pixel. The width is even.
  case yuyv
  /// Y, V, Y, U for two pixels of a row.
  case yvyu
  /// U, Y, V, Y for two pixels of a row.
  case uyvy
  /// Y alone: 8 bits a pixel.
  case gray8
  /// Red, green, blue: 24 bits a pixel.
  case rgb24
  /// Blue, green, red: 24 bits a pixel.
  case bgr24

  /// The format of some name: that of its case.
  package init?(named text: UnsafePointer<CChar>) {
    let names: InlineArray<10, (StaticString, FrameFormat)> = [
      ("yuv420", .yuv420), ("yuv422", .yuv422), ("nv12", .nv12), ("nv21", .nv21),
      ("yuyv", .yuyv), ("yvyu", .yvyu), ("uyvy", .uyvy), ("gray8", .gray8), ("rgb24", .rgb24),
      ("bgr24", .bgr24),
    ]
    for index in names.indices where strcmp(text, names[index].0.cString) == 0 {
      self = names[index].1
      return
    }
    return nil
  }

  /// The most bytes a row of the first plane may be apart from the next.
  package static var maximumStride: Int { 1 << 17 }

  /// How many pixels share a sample of U and V, across and down.
  var chroma: (across: Int, down: Int) {
    switch self {
    case .yuv420, .nv12, .nv21: (2, 2)
    case .yuv422, .yuyv, .yvyu, .uyvy: (2, 1)
    case .gray8, .rgb24, .bgr24: (1, 1)
    }
  }

  /// The planes of U and V behind the first one: their number, and the bytes that each has for two pixels of a
  /// row.
  package var chromaPlanes: (count: Int, pairBytes: Int) {
    switch self {
    case .yuv420, .yuv422: (2, 1)
    case .nv12, .nv21: (1, 2)
    case .yuyv, .yvyu, .uyvy, .gray8, .rgb24, .bgr24: (0, 0)
    }
  }

  /// The bytes of a row of the first plane, without padding.
  package func rowBytes(_ width: Int) -> Int {
    switch self {
    case .yuv420, .yuv422, .nv12, .nv21, .gray8: width
    case .yuyv, .yvyu, .uyvy: 2 * width
    case .rgb24, .bgr24: 3 * width
    }
  }

  /// Where the first samples of Y, U and V are in a row of their plane; those of Y in packed formats are two
  /// bytes apart.
  var firstSamples: (y: Int, u: Int, v: Int) {
    switch self {
    case .nv12: (0, 0, 1)
    case .nv21: (0, 1, 0)
    case .yuyv: (0, 1, 3)
    case .yvyu: (0, 3, 1)
    case .uyvy: (1, 0, 2)
    case .yuv420, .yuv422, .gray8, .rgb24, .bgr24: (0, 0, 0)
    }
  }
}

/// The weights of red, green and blue in Y', which sum to 1.
///
/// A camera or decoder tells which of them it used; the wrong one shifts colours a little.
public enum ColourMatrix: Equatable, Sendable {
  /// ITU-R BT.601, red 0.299, blue 0.114: standard definition, JPEG and most cameras.
  case bt601
  /// ITU-R BT.709, red 0.2126, blue 0.0722: high definition.
  case bt709

  var weights: (red: Double, blue: Double) {
    switch self {
    case .bt601: (0.299, 0.114)
    case .bt709: (0.2126, 0.0722)
    }
  }
}

/// The values that stand for black and white.
///
/// The wrong range makes an image flat or cuts its shadows and lights off.
public enum ColourRange: Equatable, Sendable {
  /// Y' 0…255, U and V 1…255: JPEG.
  case full
  /// Y' 16…235, U and V 16…240: video.
  case limited
}
