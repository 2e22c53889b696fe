// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
public import ResNetPlanFormat

extension RGBImage {
  /// The image resized.
  ///
  /// Every byte equals Pillow's `image.resize((width, height), filter)`, on every CPU.
  /// Rows are resized before columns, as in Pillow before version 13; since then Pillow begins
  /// with the columns where the height shrinks much, which rounds some bytes differently.
  ///
  /// - Throws: `tooLarge` if the sides are not positive or pass the limits, `outOfMemory`.
  /// - **Allocates:** the result, and until it returns the working memory that
  ///   `preprocess(_:as:into:)` states, with `crop` read as `width` and
  ///   `height`.
  public borrowing func resized(
    width: Int, height: Int, by filter: PreprocessingRecord.Interpolation = .bilinear
  ) throws(ImageError) -> RGBImage {
    let result = try RGBImage(width: width, height: height)
    let resizer = try Resizer(
      from: (self.width, self.height), to: (width, height), columns: 0..<width, rows: 0..<height,
      filter)
    resizer.resize(self, into: result.pixels.baseAddress!, rowBytes: 3 * width)
    return result
  }
}

/// Computes part of a resized image.
///
/// Rows are first resized horizontally, rounded to bytes, and then combined vertically. Only as
/// many of them as one output row needs are kept, in a ring, so that they stay in the cache.
///
/// - **Allocates:** the taps of both axes and the ring, and for grey a row of the source, freed with the value.
struct Resizer: ~Copyable {
  private let across, down: ResizeTaps
  private let columns, rows: Range<Int>
  private let sameWidth: Bool
  private let ring: UnsafeMutablePointer<UInt8>
  // Whole vectors of 16 bytes: `combineRows` reads no less.
  private let ringRowBytes: Int
  /// A row of the source in grey, if that is wanted.
  private let greyRow: UnsafeMutablePointer<UInt8>?

  /// Prepares for images of one size; of the result `columns` × `rows`, neither empty, are wanted.
  ///
  /// - Parameter isGrey: whether the source is made grey first.
  init(
    from source: (width: Int, height: Int), to result: (width: Int, height: Int),
    columns: Range<Int>, rows: Range<Int>, _ filter: PreprocessingRecord.Interpolation,
    isGrey: Bool = false
  ) throws(ImageError) {
    let across = try ResizeTaps(from: source.width, to: result.width, outputs: columns, filter)
    let down = try ResizeTaps(from: source.height, to: result.height, outputs: rows, filter)
    let ringRowBytes = (3 * columns.count + 15) & ~15
    let greyBytes = isGrey ? 3 * source.width : 0
    guard let memory = calloc(down.stride * ringRowBytes + greyBytes, 1) else {
      throw .outOfMemory
    }
    ring = memory.assumingMemoryBound(to: UInt8.self)
    greyRow = isGrey ? ring + down.stride * ringRowBytes : nil
    self.ringRowBytes = ringRowBytes
    self.across = across
    self.down = down
    self.columns = columns
    self.rows = rows
    sameWidth = source.width == result.width
  }

  deinit { free(ring) }

  /// Writes the part to `target`, whose rows lie `rowBytes` apart.
  ///
  /// - **Allocates:** nothing.
  func resize(
    _ image: borrowing RGBImage, into target: UnsafeMutablePointer<UInt8>, rowBytes: Int
  ) {
    let count = 3 * columns.count
    let ringRows = down.stride
    var next = 0
    for y in rows {
      let inputs = down.inputs(of: y)
      next = max(next, inputs.lowerBound)
      while next < inputs.upperBound {
        var source = UnsafePointer(image.pixels.baseAddress! + 3 * image.width * next)
        if let greyRow {
          makeGrey(source, pixels: image.width, into: greyRow)
          source = UnsafePointer(greyRow)
        }
        let resized = ring + next % ringRows * ringRowBytes
        if sameWidth {
          memcpy(resized, source + 3 * columns.lowerBound, count)
        } else {
          resizeRow(source, columns, across, into: resized)
        }
        next += 1
      }
      combineRows(
        ring, rowBytes: ringRowBytes, rows: ringRows, first: inputs.lowerBound % ringRows,
        weights: UnsafeBufferPointer(start: down.weights(of: y), count: inputs.count),
        count: count, into: target + (y - rows.lowerBound) * rowBytes)
    }
  }
}

/// Writes R, G and B of the brightness of pixels: Pillow's `convert("L")`.
private func makeGrey(
  _ rgb: UnsafePointer<UInt8>, pixels: Int, into grey: UnsafeMutablePointer<UInt8>
) {
  for pixel in 0..<pixels {
    let (red, green, blue) = (rgb[3 * pixel], rgb[3 * pixel + 1], rgb[3 * pixel + 2])
    let sum = 19595 * UInt32(red) + 38470 * UInt32(green) + 7471 * UInt32(blue) + 0x8000
    for channel in 0..<3 { grey[3 * pixel + channel] = UInt8(truncatingIfNeeded: sum >> 16) }
  }
}

/// Adding half a unit before the shift rounds to nearest.
private let half = Int32(1) << (ResizeTaps.fractionBits - 1)

/// Writes the pixels `columns` of a row resized with `taps`.
private func resizeRow(
  _ source: UnsafePointer<UInt8>, _ columns: Range<Int>, _ taps: borrowing ResizeTaps,
  into target: UnsafeMutablePointer<UInt8>
) {
  // Three scalar sums: baseline x86-64 has no multiplication of four 32-bit lanes, and moving single
  // pixels into vectors costs more than it saves. A sum is less than 255 · 2²³ in magnitude.
  var write = target
  for x in columns {
    let inputs = taps.inputs(of: x)
    let weights = taps.weights(of: x)
    var read = source + 3 * inputs.lowerBound
    var (red, green, blue) = (half, half, half)
    for tap in 0..<inputs.count {
      let weight = weights[tap]
      red &+= Int32(read[0]) &* weight
      green &+= Int32(read[1]) &* weight
      blue &+= Int32(read[2]) &* weight
      read += 3
    }
    write[0] = UInt8(clamping: red &>> ResizeTaps.fractionBits)
    write[1] = UInt8(clamping: green &>> ResizeTaps.fractionBits)
    write[2] = UInt8(clamping: blue &>> ResizeTaps.fractionBits)
    write += 3
  }
}

/// Writes the weighted sum of `weights.count` rows of a ring, beginning with row `first`:
/// `count` bytes, no more. The rows of the ring are whole vectors long.
private func combineRows(
  _ ring: UnsafePointer<UInt8>, rowBytes: Int, rows: Int, first: Int,
  weights: UnsafeBufferPointer<Int32>, count: Int, into target: UnsafeMutablePointer<UInt8>
) {
  // Lane i of sum k is byte 4 i + k: masks and shifts spread the bytes of a little-endian vector
  // without moving them between lanes.
  let byte = SIMD4<Int32>(repeating: 255)
  var offset = 0
  while offset < count {
    var sum0 = SIMD4<Int32>(repeating: half)
    var (sum1, sum2, sum3) = (sum0, sum0, sum0)
    var row = first
    for weight in weights {
      let bytes = UnsafeRawPointer(ring + row * rowBytes + offset)
        .loadUnaligned(as: SIMD4<Int32>.self)
      sum0 &+= (bytes & byte) &* weight
      sum1 &+= ((bytes &>> 8) & byte) &* weight
      sum2 &+= ((bytes &>> 16) & byte) &* weight
      sum3 &+= ((bytes &>> 24) & byte) &* weight
      row = row + 1 == rows ? 0 : row + 1
    }
    let result =
      clipped(sum0) | clipped(sum1) &<< 8 | clipped(sum2) &<< 16 | clipped(sum3) &<< 24
    withUnsafeBytes(of: result) { bytes in
      _ = memcpy(target + offset, bytes.baseAddress!, min(bytes.count, count - offset))
    }
    offset += MemoryLayout.size(ofValue: result)
  }
}

/// Sums in fixed point as whole numbers 0…255.
private func clipped(_ sum: SIMD4<Int32>) -> SIMD4<Int32> {
  pointwiseMax(pointwiseMin(sum &>> ResizeTaps.fractionBits, SIMD4(repeating: 255)), .zero)
}
