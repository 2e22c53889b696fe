// SPDX-License-Identifier: Apache-2.0

/// One tensor of the plan: its shape, its place in the arena and when it lives.
///
/// A tensor is NHWC with `channels` a multiple of 16 (3 for the image), surrounded by `border`
/// pixels that hold `borderPattern`. A real value is `scale * (stored - zeroPoint)`.
///
/// A uint8 tensor may have lower bytes, which only residual adds read: then `256 * stored + lower` stands for
/// `256 * stored + 128` and what rounding to bytes took away, in 256ths of a step.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0–7 | u64 | offset in the arena, bytes, a multiple of 64; of the border's first byte |
/// | 8, 12 | u32 | height, width, pixels without border |
/// | 16 | u32 | channels stored |
/// | 20 | u32 | channels used; the rest is 0 after dequantization |
/// | 24 | u32 | border, pixels |
/// | 28 | u32 | format, ``ActivationFormat`` |
/// | 32 | f32 | scale |
/// | 36 | u32 | zero point, 0…255 |
/// | 40 | u32 | border pattern: a border pixel's bytes; four equal ones, or red, green, blue, 0 |
/// | 44, 48 | u32 | first and last step in which the tensor is live |
/// | 52 | u32 | name, offset in the strings |
/// | 56 | u32 | ``LowerBytes`` |
/// | 60–63 | | 0 |
public struct TensorRecord: Equatable, PlanRecord {
  /// Where lower bytes are.
  public enum LowerBytes: UInt32, Sendable {
    /// There are none.
    case none = 0
    /// Behind the bytes, at the next aligned offset, in the same layout.
    case behind = 1
  }

  public static var byteCount: Int { 64 }

  public var offset = 0
  public var height = 0
  public var width = 0
  public var channels = 0
  public var usedChannels = 0
  public var border = 0
  public var format = ActivationFormat.float32
  public var scale: Float = 1
  public var zeroPoint = 0
  public var borderPattern: UInt32 = 0
  public var firstStep = 0
  public var lastStep = 0
  public var name = 0
  public var lowerBytes = LowerBytes.none

  package init() {}

  /// Elements from one row to the next.
  public var rowPitch: Int { (width + 2 * border) * channels }

  /// Bytes of the tensor, border and lower bytes included.
  public var storageByteCount: Int {
    lowerByteDistance + (height + 2 * border) * rowPitch * format.byteCount
  }

  /// From a byte to its lower byte; 0 if it has none.
  public var lowerByteDistance: Int {
    switch lowerBytes {
    case .none: 0
    case .behind: PlanLayout.aligned((height + 2 * border) * rowPitch)
    }
  }

  /// The zero point in the units of a residual add: of bytes that are less by `flip`, or of 256ths.
  public func zeroPoint(flip: Int) -> Int {
    lowerBytes == .none ? zeroPoint - flip : 256 * (zeroPoint - flip) + 128
  }

  /// How many units of a residual add a step of the scale has.
  public var unitsPerStep: Int { lowerBytes == .none ? 1 : 256 }

  /// Whether two tensors have the same pixels and stored channels.
  func hasShape(of other: TensorRecord) -> Bool {
    height == other.height && width == other.width && channels == other.channels
  }

  /// Whether two tensors would cover the same bytes in the same way from the same offset, lower bytes apart.
  public func hasSameLayout(as other: TensorRecord) -> Bool {
    height == other.height && width == other.width && channels == other.channels
      && border == other.border && format == other.format
  }

  package mutating func code(_ codec: inout RecordCodec) {
    codec.u64(&offset, at: 0)
    codec.u32(&height, at: 8)
    codec.u32(&width, at: 12)
    codec.u32(&channels, at: 16)
    codec.u32(&usedChannels, at: 20)
    codec.u32(&border, at: 24)
    codec.code(&format, at: 28, as: UInt32.self)
    codec.f32(&scale, at: 32)
    codec.u32(&zeroPoint, at: 36)
    codec.number(&borderPattern, at: 40)
    codec.u32(&firstStep, at: 44)
    codec.u32(&lastStep, at: 48)
    codec.u32(&name, at: 52)
    codec.code(&lowerBytes, at: 56)
  }
}
