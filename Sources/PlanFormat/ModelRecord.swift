// SPDX-License-Identifier: Apache-2.0

/// What goes into a network, and what it is.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0, 4 | u32 | height and width of the image, pixels |
/// | 8 | u32 | a line about the network, offset in the strings |
/// | 32 | u32 | what tells strangers, ``StrangerScore`` |
/// | 36 | f32 | the score below which an image shows none of the classes; 0 if nothing tells strangers |
/// | 40 | u64 | constants: float32 `[classes][features]`, the directions of the classes' mean features, of unit length; 0 if the score is another |
/// | 12–31, 48–63 | | 0 |
public struct ModelRecord: Equatable, PlanRecord {
  public static var byteCount: Int { 64 }

  public var imageHeight = 0
  public var imageWidth = 0
  public var summary = 0
  public var strangerScore = StrangerScore.none
  public var strangerThreshold: Float = 0
  public var classDirections = 0

  package init() {}

  /// The size of the image.
  public var imageSize: ImageSize { ImageSize(height: imageHeight, width: imageWidth) }

  package mutating func code(_ codec: inout RecordCodec) {
    codec.u32(&imageHeight, at: 0)
    codec.u32(&imageWidth, at: 4)
    codec.u32(&summary, at: 8)
    codec.code(&strangerScore, at: 32)
    codec.f32(&strangerThreshold, at: 36)
    codec.u64(&classDirections, at: 40)
  }
}
