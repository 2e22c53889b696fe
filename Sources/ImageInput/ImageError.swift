// SPDX-License-Identifier: Apache-2.0

import CResNetImageCodecs
import CResNetPlatform
public import ResNetPlatform

/// The formats that are decoded.
public enum ImageFormat: Equatable, Sendable {
  /// JPEG (ITU-T T.81), decoded by libjpeg.
  case jpeg
  /// PNG (ISO/IEC 15948), decoded by libpng.
  case png
}

/// A format that is recognized, to be named, but not decoded.
public enum OtherFormat: Equatable, Sendable {
  case webp, heif, avif, gif, bmp, tiff, jpeg2000, jpegXL, html

  /// The format whose signature `bytes` begin with.
  init?(of bytes: UnsafeRawBufferPointer) {
    func has(_ text: StaticString, at offset: Int = 0) -> Bool {
      let count = text.utf8CodeUnitCount
      return bytes.count >= offset + count
        && memcmp(bytes.baseAddress! + offset, text.utf8Start, count) == 0
    }
    if has("RIFF") && has("WEBP", at: 8) {
      self = .webp
    } else if has("ftypavif", at: 4) || has("ftypavis", at: 4) {
      self = .avif
    } else if has("ftyphe", at: 4) || has("ftypmif1", at: 4) || has("ftypmsf1", at: 4) {
      self = .heif
    } else if has("GIF8") {
      self = .gif
    } else if has("BM") {
      self = .bmp
    } else if has("II*\0") || has("MM\0*") {
      self = .tiff
    } else if has("jP  ", at: 4) {
      self = .jpeg2000
    } else if has("JXL ", at: 4) {
      self = .jpegXL
    } else if has("<!DOCTYPE") || has("<!doctype") || has("<html") {
      self = .html
    } else {
      return nil
    }
  }

  var name: StaticString {
    switch self {
    case .webp: "WebP"
    case .heif: "HEIC"
    case .avif: "AVIF"
    case .gif: "GIF"
    case .bmp: "BMP"
    case .tiff: "TIFF"
    case .jpeg2000: "JPEG 2000"
    case .jpegXL: "JPEG XL"
    case .html: "HTML"
    }
  }
}

/// Why an image could not be read or resized.
///
/// An error says what was expected and what was found, but no path, which the caller knows. Outside
/// Embedded Swift, `description` is that text.
///
/// - **Allocates:** nothing, except `description`.
public enum ImageError: Error, Equatable, TextDescribable {
  /// The file could not be mapped.
  case file(FileError)
  /// The first bytes belong neither to a JPEG nor to a PNG.
  case unrecognizedFormat
  /// The file is of a format that is not decoded, whatever its name says.
  case otherFormat(OtherFormat)
  /// The data end before the image does.
  case truncated(ImageFormat)
  /// The data contradict their format; the message is the decoder's.
  case corrupt(ImageFormat, CodecMessage)
  /// The data use a feature that is not decoded; the message is the decoder's.
  case unsupported(ImageFormat, CodecMessage)
  /// The sides, in pixels, pass `RGBImage.maximumSide` or their product `RGBImage.maximumPixels`,
  /// or one of them is not positive.
  case tooLarge(width: Int, height: Int)
  /// The sides of a frame, in pixels, of which one is odd though two pixels share a sample.
  case oddFrame(width: Int, height: Int)
  /// The bytes from row to row of a frame are fewer than a row has, too many, or odd where planes of half the
  /// width have half of them.
  case stride(Int, rowBytes: Int)
  /// The system has no memory for the pixels or for the work on them.
  case outOfMemory

  /// Appends what was expected and what was found.
  ///
  /// - **Allocates:** nothing.
  public func describe(to line: inout TextLine) {
    switch self {
    case .file(let error): line.append("\(error)")
    case .unrecognizedFormat:
      line.append("expected a JPEG or PNG image, found neither signature at its start")
    case .otherFormat(let format):
      line.append("expected a JPEG or PNG image, found \(format.name): convert it")
    case .truncated(let format):
      line.append("expected a whole \(format.name) image, found data that end too early")
    case .corrupt(let format, let message):
      line.append("expected a valid \(format.name) image, found damage: \(message)")
    case .unsupported(let format, let message):
      line.append("found a \(format.name) image that is not supported: \(message)")
    case .oddFrame(let width, let height):
      line.append("expected even sides, found \(width)x\(height)")
    case .stride(let found, let rowBytes):
      line.append("expected a stride of \(rowBytes) to \(FrameFormat.maximumStride) bytes,")
      line.append(" even for planes of half the width, found \(found)")
    case .tooLarge(let width, let height):
      line.append("expected an image of sides 1 to \(RGBImage.maximumSide) and at most ")
      line.append("\(RGBImage.maximumPixels) pixels, found \(width) x \(height)")
    case .outOfMemory: line.append("there is not enough memory for the image")
    }
  }
}

#if !hasFeature(Embedded)
  extension ImageError: CustomStringConvertible {}
#endif

extension ImageFormat {
  var name: StaticString {
    switch self {
    case .jpeg: "JPEG"
    case .png: "PNG"
    }
  }
}

/// What libjpeg or libpng said about an image, at most 208 bytes of text.
///
/// The text is kept in place, because `String` needs the heap.
public struct CodecMessage: Equatable, Sendable, TextDescribable {
  private var bytes = InlineArray<208, UInt8>(repeating: 0)
  private var count = 0

  init(_ image: borrowing rn_decoded_image) {
    withUnsafeBytes(of: image.message) { text in
      // The C side always ends the text with a null byte.
      while count < bytes.count && text[count] != 0 {
        bytes[count] = text[count]
        count += 1
      }
    }
  }

  /// Appends the message.
  ///
  /// - **Allocates:** nothing.
  public func describe(to line: inout TextLine) {
    for index in 0..<count { line.append(byte: bytes[index]) }
  }

  /// Whether two messages have the same text.
  public static func == (left: CodecMessage, right: CodecMessage) -> Bool {
    guard left.count == right.count else { return false }
    for index in 0..<left.count where left.bytes[index] != right.bytes[index] { return false }
    return true
  }
}
