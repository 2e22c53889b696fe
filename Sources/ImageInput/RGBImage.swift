// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlatform

/// An image of 8-bit RGB pixels.
///
/// Decoding gives the same bytes as Pillow's
/// `ImageOps.exif_transpose(Image.open(path)).convert("RGB")`, with one exception: 16-bit grey
/// PNG keeps the high byte of its samples, where Pillow clips everything above 255 to white.
///
/// An image is used by one thread at a time.
public struct RGBImage: ~Copyable {
  /// The longest side an image may have, in pixels.
  public static var maximumSide: Int { 16384 }

  /// The most pixels an image may have: 256 Mi, that is 768 MiB of RGB.
  public static var maximumPixels: Int { 1 << 28 }

  /// Pixels per row, 1…`maximumSide`.
  public let width: Int

  /// The number of rows, 1…`maximumSide`.
  public let height: Int

  /// `height` rows, top first, of `width` triples red, green, blue, without padding; valid as
  /// long as this value lives.
  package let pixels: UnsafeMutableBufferPointer<UInt8>

  /// Makes an image whose pixels are unspecified until the caller writes them.
  ///
  /// - Throws: `tooLarge` if the sides are not positive or pass the limits, `outOfMemory`.
  /// - **Allocates:** 3 · `width` · `height` bytes, freed with the image.
  public init(width: Int, height: Int) throws(ImageError) {
    guard (1...RGBImage.maximumSide).contains(width), (1...RGBImage.maximumSide).contains(height),
      width * height <= RGBImage.maximumPixels
    else { throw .tooLarge(width: width, height: height) }
    guard let memory = malloc(3 * width * height) else { throw .outOfMemory }
    self.init(
      width: width, height: height,
      adopting: memory.assumingMemoryBound(to: UInt8.self))
  }

  /// Reads the JPEG or PNG file at `path`, a `String` or, in Embedded Swift, a text ended by a zero byte.
  ///
  /// - Throws: `file` if it cannot be mapped, else as `init(encoded:)`.
  /// - **Allocates:** as `init(encoded:)`; the file itself is mapped, not read into the heap.
  public init(path: UnsafePointer<CChar>) throws(ImageError) {
    self = try RGBImage { () throws(FileError) in try MappedFile(path: path) }
  }

  /// Reads a file as `init(path:)` does, unless it has more pixels.
  ///
  /// - Parameter maximumPixels: what is larger is `tooLarge`, before anything of its size is allocated.
  package init(path: UnsafePointer<CChar>, maximumPixels: Int) throws(ImageError) {
    self = try RGBImage(maximumPixels) { () throws(FileError) in try MappedFile(path: path) }
  }

  /// Reads a file that the command line names, which may be a pipe or "-", as `init(path:)` does others.
  package init(input path: UnsafePointer<CChar>) throws(ImageError) {
    self = try RGBImage { () throws(FileError) in try MappedFile(input: path) }
  }

  private init(
    _ maximumPixels: Int = RGBImage.maximumPixels, _ open: () throws(FileError) -> MappedFile
  ) throws(ImageError) {
    let file: MappedFile
    do throws(FileError) {
      file = try open()
    } catch {
      throw .file(error)
    }
    self = try RGBImage(encoded: file.bytes, maximumPixels: maximumPixels)
  }

  /// Takes over `pixels`, which come from malloc and hold 3 · `width` · `height` bytes.
  init(width: Int, height: Int, adopting pixels: UnsafeMutablePointer<UInt8>) {
    self.width = width
    self.height = height
    self.pixels = UnsafeMutableBufferPointer(start: pixels, count: 3 * width * height)
  }

  deinit {
    free(pixels.baseAddress)
  }
}
