// SPDX-License-Identifier: Apache-2.0

import CResNetFrameReader
import ResNetBoardTool
import ResNetImages
import ResNetPlatform

extension rn_frame_shape {
  /// The rows and planes of a frame.
  init(_ format: FrameFormat, _ width: Int, _ height: Int) {
    let planes = format.chromaPlanes
    self.init(
      row_bytes: format.rowBytes(width), chroma_bytes: width / 2 * planes.pairBytes, rows: height,
      chroma_rows: format == .yuv422 ? height : height / 2, planes: planes.count)
  }
}

extension FrameFormat {
  /// The format that a header names.
  init(_ header: rn_y4m) {
    switch UInt32(header.chroma) {
    case RN_Y4M_422.rawValue: self = .yuv422
    case RN_Y4M_MONO.rawValue: self = .gray8
    default: self = .yuv420
    }
  }

  /// Whether there are two values for black.
  var hasRange: Bool { self != .rgb24 && self != .bgr24 }
}

/// The strides that the size of a file and the padding in it tell for certain, and says so; nil if they do not.
///
/// What cannot be told for certain, because the padding has anything in it, is said if the file is no whole number
/// of frames.
@inline(never)
func findStrides(
  _ shape: rn_frame_shape, _ source: borrowing FrameSource
) -> (luma: Int, chroma: Int)? {
  guard let bytes = source.fileBytes, bytes > 0, shape.row_bytes > 0, shape.rows > 0,
    shape.row_bytes <= 1 << 17, shape.rows <= 1 << 15
  else { return nil }
  var (shape, found) = (shape, rn_frame_strides())
  if rn_find_strides(&shape, source.descriptor, UInt64(bytes), &found) {
    var line: TextLine = "\(source.path): its size and the padding in it tell --stride "
    line.append(found)
    line.append(", which is taken")
    tool.complain(line)
    return (found.luma, found.chroma)
  }
  let frame = rn_frame_size(
    &shape, rn_frame_strides(luma: shape.row_bytes, chroma: shape.chroma_bytes))
  if bytes > frame, bytes % frame != 0 {
    var line: TextLine = "\(source.path): expected frames of \(frame) bytes, found \(bytes) bytes, "
    line.append("no whole number of them")
    line.append(strides: shape, fitting: bytes)
    tool.complain(line)
  }
  return nil
}

/// Tells how the values of a format without a header are understood.
@inline(never)
func tellColours(_ word: UnsafePointer<CChar>, _ range: ColourRange, _ matrix: ColourMatrix) {
  var line: TextLine = "\(word): taken as --range "
  line.append(range == .full ? "full" : "limited")
  line.append(matrix == .bt601 ? " --matrix bt601" : " --matrix bt709")
  tool.complain(line)
}

/// Tells if the first frame looks as if its rows were padded and nobody said so, or as if the width had padding in
/// it.
@inline(never)
func tellPadding(_ shape: rn_frame_shape, _ stride: Int, _ frame: rn_frame, isFile: Bool) {
  var shape = shape
  if stride == 0, !isFile {
    let found = rn_padded_stride(&shape, frame.frame, frame.size)
    if found > 0 {
      tool.complain("the rows look \(found) bytes apart: if so, add --stride \(found)")
      return
    }
  }
  let columns = rn_like_columns(&shape, stride == 0 ? shape.row_bytes : stride, frame.frame)
  if columns > 0 {
    var line: TextLine =
      "the last \(columns) bytes of the rows are all the same: if they are padding, give the "
    line.append("width without them, and --stride \(stride == 0 ? shape.row_bytes : stride)")
    tool.complain(line)
  }
}

extension TextLine {
  /// Appends strides as the command line has them.
  fileprivate mutating func append(_ strides: rn_frame_strides) {
    append("\(strides.luma)")
    if strides.chroma > 0 { append(",\(strides.chroma)") }
  }

  /// Appends the strides with which whole frames come to so many bytes, if there are any.
  mutating func append(strides shape: rn_frame_shape, fitting bytes: Int) {
    var (shape, found) = (shape, InlineArray<4, rn_frame_strides>(repeating: rn_frame_strides()))
    let count = withUnsafeMutablePointer(to: &found) {
      $0.withMemoryRebound(to: rn_frame_strides.self, capacity: 4) {
        rn_fitting_strides(&shape, UInt64(bytes), $0, 4)
      }
    }
    for index in 0..<count {
      append(index == 0 ? "; what fits: --stride " : " or ")
      append(found[index])
    }
  }
}
