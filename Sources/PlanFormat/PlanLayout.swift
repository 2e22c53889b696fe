// SPDX-License-Identifier: Apache-2.0

/// The layout of a plan file.
///
/// All numbers are little-endian. The file is a header of 512 bytes and then the sections, in
/// the order of ``PlanSection``, each starting at a multiple of 64 and padded with zeros to the next.
///
/// | header bytes | type | content |
/// |---|---|---|
/// | 0–7 | | magic `RNPLAN\r\n` |
/// | 8–11 | u32 | format version, 7 |
/// | 12–15 | u32 | number of sections, 9 |
/// | 16–23 | u64 | size of the file in bytes |
/// | 24–31 | u64 | arena: bytes for all tensors |
/// | 32–39 | u64 | scratch: bytes for each thread |
/// | 40–47 | u64 | transformed weights that a session makes, bytes |
/// | 48–63 | | 0 |
/// | 64 + 32 s | u32 | kind of section s, equal to s |
/// | 68 + 32 s | u32 | CRC-32C of the section, padding included |
/// | 72 + 32 s | u64 | offset in the file |
/// | 80 + 32 s | u64 | size without padding |
/// | 88 + 32 s | u64 | 0 |
/// | 352–507 | | 0 |
/// | 508–511 | u32 | CRC-32C of bytes 0–507 |
///
/// Records are described at ``TensorRecord``, ``StepRecord``, ``ModelRecord``, ``OutputRecord`` and ``PreprocessingRecord``.
public enum PlanLayout {
  public static var magic: StaticString { "RNPLAN\r\n" }
  public static var version: UInt32 { 7 }
  public static var headerByteCount: Int { 512 }
  public static var sectionCount: Int { 9 }

  /// The most tensors and the most steps, and the most outputs.
  public static var mostRecords: Int { 1024 }
  public static var mostOutputs: Int { 64 }

  /// Sections, tensors and constants start at multiples of this.
  public static var alignment: Int { 64 }

  /// Channels come in blocks of this many.
  public static var channelBlock: Int { 16 }

  /// The channels stored for `used` ones: whole blocks of ``channelBlock``.
  public static func paddedChannels(_ used: Int) -> Int {
    (used + channelBlock - 1) / channelBlock * channelBlock
  }

  /// The sides that an image may have, in pixels, and that it is resized to before its crop at most.
  public static var imageSides: ClosedRange<Int> { 32...2048 }
  public static var greatestResize: Int { 4096 }

  /// Pixels of border around a tensor, at most.
  public static var greatestBorder: Int { 64 }

  /// Rounds up to a multiple of ``alignment``.
  public static func aligned(_ count: Int) -> Int {
    (count + alignment - 1) / alignment * alignment
  }
}
