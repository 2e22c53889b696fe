// SPDX-License-Identifier: Apache-2.0

import CResNetImageCodecs

extension RGBImage {
  /// Decodes a JPEG or PNG image, told apart by its first bytes, and turns it upright as its EXIF
  /// orientation says.
  ///
  /// JPEG: grey, YCbCr, RGB, CMYK and YCCK of 8 bits, sequential and progressive. PNG: every
  /// colour type, depth and interlacing; alpha is dropped, not blended, and 16-bit samples keep
  /// their high byte. Colour profiles are not applied. Malformed EXIF data are ignored, and so are
  /// orientations that only XMP metadata state.
  ///
  /// Damage in a JPEG that libjpeg reads over, and stray bytes between its markers, give Pillow's pixels.
  ///
  /// - Parameter maximumPixels: what is larger is `tooLarge`, before anything of its size is allocated.
  /// - Throws: `unrecognizedFormat`, `otherFormat`, `truncated`, `corrupt` (what the decoder cannot read
  ///   over, PNG checksums included), `unsupported`, `tooLarge`, `outOfMemory`.
  /// - **Allocates:** 3 bytes a pixel, freed with the image. Besides, until it returns: the
  ///   decoder's working memory (some rows; for a progressive JPEG 2 bytes per sample of every
  ///   component) or, while turning an image, a second copy of the pixels.
  package init(
    encoded: UnsafeRawBufferPointer, maximumPixels: Int = RGBImage.maximumPixels
  ) throws(ImageError) {
    guard let format = ImageFormat(of: encoded) else {
      if let other = OtherFormat(of: encoded) { throw .otherFormat(other) }
      throw .unrecognizedFormat
    }
    let stored = try RGBImage.decode(encoded, format, maximumPixels)
    let orientation = Orientation(of: encoded, format)
    if orientation == .upright {
      self = stored
    } else {
      self = try stored.turnedUpright(from: orientation)
    }
  }

  /// Decodes an image as it is stored; `encoded` is not empty.
  private static func decode(
    _ encoded: UnsafeRawBufferPointer, _ format: ImageFormat, _ maximumPixels: Int
  ) throws(ImageError) -> RGBImage {
    let bytes = encoded.baseAddress!.assumingMemoryBound(to: UInt8.self)
    let limits = rn_image_limits(
      max_side: UInt32(maximumSide), max_pixels: UInt64(maximumPixels))
    var decoded = rn_decoded_image()
    switch format {
    case .jpeg: rn_decode_jpeg(bytes, encoded.count, limits, &decoded)
    case .png: rn_decode_png(bytes, encoded.count, limits, &decoded)
    }
    guard let pixels = decoded.pixels else { throw ImageError(decoded, of: format) }
    return RGBImage(width: Int(decoded.width), height: Int(decoded.height), adopting: pixels)
  }
}

extension ImageFormat {
  /// The format whose signature `bytes` begin with.
  init?(of bytes: UnsafeRawBufferPointer) {
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else {
      return nil
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether the bytes begin with `signature`.
  func starts<let length: Int>(with signature: InlineArray<length, UInt8>) -> Bool {
    guard count >= length else { return false }
    for index in 0..<length where self[index] != signature[index] { return false }
    return true
  }
}

extension ImageError {
  /// The error that a failed decoding stands for.
  fileprivate init(_ decoded: borrowing rn_decoded_image, of format: ImageFormat) {
    switch decoded.status {
    case Int32(RN_IMAGE_TRUNCATED.rawValue):
      self = .truncated(format)
    case Int32(RN_IMAGE_UNSUPPORTED.rawValue):
      self = .unsupported(format, CodecMessage(decoded))
    case Int32(RN_IMAGE_TOO_LARGE.rawValue):
      self = .tooLarge(width: Int(decoded.width), height: Int(decoded.height))
    case Int32(RN_IMAGE_OUT_OF_MEMORY.rawValue):
      self = .outOfMemory
    default:
      self = .corrupt(format, CodecMessage(decoded))
    }
  }
}
