// SPDX-License-Identifier: Apache-2.0

/// One tensor of the plan: its shape, its place in the arena and when it lives.
///
/// A tensor is NHWC with `channels` a multiple of 16 (3 for the image), surrounded by `border`
/// pixels that hold `borderPattern`. A real value is `scale * (stored - zeroPoint)`.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0–7 | u64 | offset in the arena, bytes, a multiple of 64; of the border's first byte |
/// | 8, 12 | u32 | height, width, pixels without border |
/// | 16 | u32 | channels stored |
/// | 20 | u32 | channels used; the rest is 0 after dequantization |
/// | 24 | u32 | border, pixels |
/// | 28 | u32 | format, ``ElementFormat`` |
/// | 32 | f32 | scale |
/// | 36 | u32 | zero point, 0…255 |
/// | 40 | u32 | border pattern: a border pixel's bytes; four equal ones, or red, green, blue, 0 |
/// | 44, 48 | u32 | first and last step in which the tensor is live |
/// | 52 | u32 | name, offset in the strings |
/// | 56–63 | | 0 |
public struct TensorRecord: Equatable {
  public static var byteCount: Int { 64 }

  public var offset: Int
  public var height, width: Int
  public var channels, usedChannels: Int
  public var border: Int
  public var format: ElementFormat
  public var scale: Float
  public var zeroPoint: Int
  public var borderPattern: UInt32
  public var firstStep, lastStep: Int
  public var name: Int

  public init(
    offset: Int, height: Int, width: Int, channels: Int, usedChannels: Int, border: Int,
    format: ElementFormat, scale: Float, zeroPoint: Int, borderPattern: UInt32, firstStep: Int,
    lastStep: Int, name: Int
  ) {
    self.offset = offset
    self.height = height
    self.width = width
    self.channels = channels
    self.usedChannels = usedChannels
    self.border = border
    self.format = format
    self.scale = scale
    self.zeroPoint = zeroPoint
    self.borderPattern = borderPattern
    self.firstStep = firstStep
    self.lastStep = lastStep
    self.name = name
  }

  /// Elements from one row to the next.
  public var rowPitch: Int { (width + 2 * border) * channels }

  /// Bytes of the tensor, border included.
  public var storageByteCount: Int { (height + 2 * border) * rowPitch * format.byteCount }

  /// Whether two tensors would cover the same bytes in the same way from the same offset.
  public func hasSameLayout(as other: TensorRecord) -> Bool {
    height == other.height && width == other.width && channels == other.channels
      && border == other.border && format == other.format
  }

  /// Reads a record, or returns nil if its format does not exist or its offset exceeds Int.
  init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
    guard let format = ElementFormat(rawValue: bytes.u32(start + 28)),
      let offset = Int(exactly: bytes.u64(start)), bytes.u64(start + 56) == 0
    else { return nil }
    self.init(
      offset: offset, height: Int(bytes.u32(start + 8)), width: Int(bytes.u32(start + 12)),
      channels: Int(bytes.u32(start + 16)), usedChannels: Int(bytes.u32(start + 20)),
      border: Int(bytes.u32(start + 24)), format: format, scale: bytes.f32(start + 32),
      zeroPoint: Int(bytes.u32(start + 36)), borderPattern: bytes.u32(start + 40),
      firstStep: Int(bytes.u32(start + 44)), lastStep: Int(bytes.u32(start + 48)),
      name: Int(bytes.u32(start + 52)))
  }

  /// Writes the record into `bytes`, which holds zeros.
  public func write(to bytes: UnsafeMutableRawBufferPointer, at start: Int) {
    bytes.set(UInt64(offset), at: start)
    bytes.set(UInt32(height), at: start + 8)
    bytes.set(UInt32(width), at: start + 12)
    bytes.set(UInt32(channels), at: start + 16)
    bytes.set(UInt32(usedChannels), at: start + 20)
    bytes.set(UInt32(border), at: start + 24)
    bytes.set(format.rawValue, at: start + 28)
    bytes.set(scale, at: start + 32)
    bytes.set(UInt32(zeroPoint), at: start + 36)
    bytes.set(borderPattern, at: start + 40)
    bytes.set(UInt32(firstStep), at: start + 44)
    bytes.set(UInt32(lastStep), at: start + 48)
    bytes.set(UInt32(name), at: start + 52)
  }
}
