// SPDX-License-Identifier: Apache-2.0

import CResNetLibrary
import CResNetPlatform
import ResNetImages
import ResNetPlatform

/// All of a frame but its pixels.
struct FrameShape: Equatable {
  private let format: FrameFormat
  private let width, height, stride, chromaStride: Int
  private var matrix = ColourMatrix.bt601
  private var range = ColourRange.full

  init(_ frame: resnet_frame) throws(Failure) {
    let name = try require(frame.format, "a frame's format")
    guard let format = FrameFormat(named: name) else {
      throw Failure(
        expected:
          "yuv420, yuv422, nv12, nv21, yuyv, yvyu, uyvy, gray8, rgb24 or bgr24",
        found: "\(name)")
    }
    self.format = format
    (width, height) = (Int(frame.width), Int(frame.height))
    (stride, chromaStride) = (frame.stride, frame.chroma_stride)
    if let name = frame.matrix, !name.equals("bt601") {
      guard name.equals("bt709") else {
        throw Failure(expected: "bt601 or bt709", found: "\(name)")
      }
      matrix = .bt709
    }
    if let name = frame.range, !name.equals("full") {
      guard name.equals("limited") else {
        throw Failure(expected: "full or limited", found: "\(name)")
      }
      range = .limited
    }
  }

  func converter() throws(ImageError) -> FrameConverter {
    try FrameConverter(
      width: width, height: height, format: format, stride: stride, chromaStride: chromaStride,
      matrix: matrix, range: range)
  }
}

extension UnsafePointer<CChar> {
  func equals(_ text: StaticString) -> Bool { strcmp(self, text.cString) == 0 }
}
