// SPDX-License-Identifier: Apache-2.0

import CResNetImageCodecs
import CResNetPlatform

/// Makes RGB images of the frames of a camera.
///
/// Y'CbCr becomes RGB by the equations of ITU-R BT.601 and BT.709, with coefficients rounded to 2⁻¹⁶
/// and results rounded to nearest: at most one step from exact arithmetic. A sample of U and V serves
/// all its pixels. The same bytes on every CPU.
///
/// - **Allocates:** two rows, when it is made.
public struct FrameConverter: ~Copyable {
  /// Pixels per row.
  public let width: Int
  /// The number of rows.
  public let height: Int
  /// The bytes of one frame, padding included.
  public let byteCount: Int

  private let format: FrameFormat
  private let stride: Int
  private let chromaStride: Int
  private let matrix: rn_yuv_matrix
  // A row of U, one of V and one of Y, for samples that are not side by side.
  private let rows: UnsafeMutablePointer<UInt8>

  /// Prepares for frames of one size.
  ///
  /// - Parameters:
  ///   - width: 1…`RGBImage.maximumSide`, even if two pixels share a sample.
  ///   - height: the same.
  ///   - format: how the pixels lie.
  ///   - stride: the bytes from one row of the first plane to the next, at least the bytes of a row. 0: no
  ///     padding.
  ///   - chromaStride: the same of the planes of U and V. 0: as many in nv12 and nv21, half in yuv420 and yuv422.
  ///   - matrix: the weights in Y'.
  ///   - range: black and white.
  /// - Throws: `frame` if the sides or the stride do not fit the format, `tooLarge`, `outOfMemory`.
  public init(
    width: Int, height: Int, format: FrameFormat, stride: Int = 0,
    chromaStride: Int = 0, matrix: ColourMatrix = .bt601, range: ColourRange = .full
  ) throws(ImageError) {
    let sides = 1...RGBImage.maximumSide
    guard sides.contains(width), sides.contains(height), width * height <= RGBImage.maximumPixels
    else { throw .tooLarge(width: width, height: height) }
    let chroma = format.chroma
    guard width % chroma.across == 0, height % chroma.down == 0 else {
      throw .oddFrame(width: width, height: height)
    }
    let rowBytes = format.rowBytes(width)
    let stride = stride == 0 ? rowBytes : stride
    let planes = format.chromaPlanes
    let isHalf = planes.count == 2 && chromaStride == 0
    guard rowBytes...FrameFormat.maximumStride ~= stride, !isHalf || stride % 2 == 0
    else { throw .stride(stride, rowBytes: rowBytes) }
    let chromaBytes = width / 2 * planes.pairBytes
    let chromaRow = isHalf ? stride / 2 : chromaStride == 0 ? stride : chromaStride
    guard planes.count == 0 || chromaBytes...FrameFormat.maximumStride ~= chromaRow
    else { throw .stride(chromaRow, rowBytes: chromaBytes) }
    guard let memory = malloc(3 * (width + 16)) else { throw .outOfMemory }
    // Grey has no U and V of its own.
    memset(memory, 128, 3 * (width + 16))
    rows = memory.assumingMemoryBound(to: UInt8.self)
    self.width = width
    self.height = height
    self.format = format
    self.stride = stride
    self.chromaStride = chromaRow
    byteCount = stride * height + planes.count * chromaRow * (height / chroma.down)
    self.matrix = rn_yuv_matrix(matrix, range)
  }

  deinit { free(rows) }

  /// Converts a frame of ``byteCount`` bytes.
  ///
  /// - Parameters:
  ///   - frame: the first byte.
  ///   - image: an image of the same width and height, which is overwritten.
  /// - **Allocates:** nothing.
  package func convert(_ frame: UnsafePointer<UInt8>, into image: borrowing RGBImage) {
    precondition(image.width == width && image.height == height, "an image of the frame's size")
    for y in 0..<height {
      convertRow(y, frame, image.pixels.baseAddress! + 3 * width * y)
    }
  }

  private func convertRow(
    _ y: Int, _ frame: UnsafePointer<UInt8>, _ rgb: UnsafeMutablePointer<UInt8>
  ) {
    let row = frame + stride * y
    let count = UInt32(width)
    if format == .rgb24 {
      memcpy(rgb, row, 3 * width)
      return
    }
    if format == .bgr24 {
      rn_swap_red_blue(row, count, rgb)
      return
    }
    let first = format.firstSamples
    let (planes, across) = (format.chromaPlanes, width / 2)
    var matrix = matrix
    var (luma, u, v) = (row, UnsafePointer(rows), UnsafePointer(rows + width))
    if planes.count > 0 {
      let chromaRows = height / format.chroma.down
      u = frame + stride * height + chromaStride * (y / format.chroma.down)
      v = planes.count == 2 ? u + chromaStride * chromaRows : u
      if planes.pairBytes == 2 {
        rn_take(u + first.u, 2, UInt32(across), rows)
        rn_take(v + first.v, 2, UInt32(across), rows + width)
        (u, v) = (UnsafePointer(rows), UnsafePointer(rows + width))
      }
    } else if format != .gray8 {
      rn_take(row + first.u, 4, UInt32(across), rows)
      rn_take(row + first.v, 4, UInt32(across), rows + width)
      rn_take(row + first.y, 2, count, rows + 2 * width)
      luma = UnsafePointer(rows + 2 * width)
    }
    rn_yuv_row(&matrix, luma, u, v, count, rgb)
  }
}

extension rn_yuv_matrix {
  /// The inverse of Y' = Kr R + Kg G + Kb B, U = (B - Y') / 2 (1 - Kb), V = (R - Y') / 2 (1 - Kr).
  fileprivate init(_ matrix: ColourMatrix, _ range: ColourRange) {
    let (red, blue) = matrix.weights
    let green = 1 - red - blue
    let isFull = range == .full
    let luma = isFull ? 1 : 255.0 / 219
    let chroma = isFull ? 1 : 255.0 / 224
    func units(_ coefficient: Double) -> Int32 { Int32((coefficient * 65536).rounded()) }
    self.init(
      offset: isFull ? 0 : 16, scale: units(luma), red_v: units(2 * (1 - red) * chroma),
      green_u: units(-2 * (1 - blue) * blue / green * chroma),
      green_v: units(-2 * (1 - red) * red / green * chroma),
      blue_u: units(2 * (1 - blue) * chroma))
  }
}
