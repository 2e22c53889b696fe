// SPDX-License-Identifier: Apache-2.0

// Finding the orientation never fails: whatever does not parse counts as upright, as in Pillow.
// Every read is checked against the bytes at hand.

extension Orientation {
  /// The orientation that the EXIF data of an encoded image state, else upright.
  init(of encoded: UnsafeRawBufferPointer, _ format: ImageFormat) {
    let reader = ByteReader(bytes: encoded, bigEndian: true)
    let exif =
      switch format {
      case .jpeg: reader.exifSegmentOfJPEG()
      case .png: reader.exifChunkOfPNG()
      }
    self = exif?.orientationOfTIFF() ?? .upright
  }
}

/// Reads integers from bytes of either byte order.
private struct ByteReader {
  let bytes: UnsafeRawBufferPointer
  let bigEndian: Bool

  /// The 16-bit number at `offset` (≥ 0), or nil beyond the end.
  func uint16(_ offset: Int) -> UInt16? {
    guard offset <= bytes.count - 2 else { return nil }
    let number = bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
    return bigEndian ? UInt16(bigEndian: number) : UInt16(littleEndian: number)
  }

  /// The 32-bit number at `offset` (≥ 0), or nil beyond the end.
  func uint32(_ offset: Int) -> UInt32? {
    guard offset <= bytes.count - 4 else { return nil }
    let number = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    return bigEndian ? UInt32(bigEndian: number) : UInt32(littleEndian: number)
  }

  /// The TIFF structure in `count` bytes from `offset`, or nil if they are not all there.
  func tiff(_ offset: Int, count: Int) -> ByteReader? {
    guard count >= 4, offset <= bytes.count, count <= bytes.count - offset else { return nil }
    let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    // "II" is little-endian, "MM" big-endian.
    guard part[0] == part[1], part[0] == 0x49 || part[0] == 0x4D else { return nil }
    return ByteReader(bytes: part, bigEndian: part[0] == 0x4D)
  }

  /// The first APP1 segment of a JPEG that begins with "Exif", two zero bytes.
  func exifSegmentOfJPEG() -> ByteReader? {
    var offset = 2
    while let marker = uint16(offset) {
      // A fill byte before a marker, or stray bytes, which Pillow passes over too.
      if marker <= 0xFF00 || marker == 0xFFFF {
        offset += 1
        continue
      }
      if 0xFFD0...0xFFD8 ~= marker {  // restarts and the start of the image: no length
        offset += 2
        continue
      }
      // Start of scan or end of image: metadata come before.
      if marker == 0xFFDA || marker == 0xFFD9 { return nil }
      guard let length = uint16(offset + 2), length >= 2 else { return nil }
      if marker == 0xFFE1, length >= 8,
        uint32(offset + 4) == 0x4578_6966, uint16(offset + 8) == 0
      {
        return tiff(offset + 10, count: Int(length) - 8)
      }
      offset += 2 + Int(length)
    }
    return nil
  }

  /// The eXIf chunk of a PNG, which may come before or after the pixels.
  func exifChunkOfPNG() -> ByteReader? {
    var offset = 8
    while let length = uint32(offset), let type = uint32(offset + 4) {
      if type == 0x6558_4966 { return tiff(offset + 8, count: Int(length)) }
      offset += 12 + Int(length)
    }
    return nil
  }

  /// The orientation in the first directory of a TIFF structure.
  func orientationOfTIFF() -> Orientation? {
    // 42 in the wrong byte order is a known mistake of writers, accepted by Pillow too.
    guard let version = uint16(2), version == 42 || version == 42 << 8,
      let start = uint32(4), let entries = uint16(Int(start))
    else { return nil }
    for index in 0..<Int(entries) {
      // An entry: tag, type (3: 16 bits, 4: 32 bits), count of values, value in 4 bytes.
      let entry = Int(start) + 2 + 12 * index
      guard let tag = uint16(entry), let type = uint16(entry + 2), let count = uint32(entry + 4),
        let wide = uint32(entry + 8), let narrow = uint16(entry + 8)
      else { return nil }
      guard tag == 0x0112, count == 1, type == 3 || type == 4 else { continue }
      return Orientation(rawValue: type == 3 ? narrow : UInt16(truncatingIfNeeded: min(wide, 9)))
    }
    return nil
  }
}
