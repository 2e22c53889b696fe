// SPDX-License-Identifier: Apache-2.0

/// The payload of a pool of windows, which are cut to the image.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0 | u32 | what becomes of a window, ``Reduction`` |
/// | 4, 8 | u32 | height and width of the window, 1…16 |
/// | 12, 16 | u32 | vertical and horizontal stride, 1…16 |
/// | 20, 24, 28, 32 | u32 | padding at the top, left, bottom and right, less than the window, pixels |
/// | 36–127 | | 0 |
public struct PoolRecord: Equatable, Sendable, StepPayload {
  /// What becomes of a window.
  public enum Reduction: UInt32, Sendable {
    /// Its greatest value; input and output have one scale and zero point.
    case maximum = 0
    /// The mean of its pixels in the image.
    case mean = 1
    /// The mean of all its pixels, those of the padding being 0.
    case paddedMean = 2
    /// The sum weighted by [1 2 1] / 4 in both directions, of a window of 3×3 whose image is reflected at its edges.
    case blur = 3

    /// The name in listings.
    var name: StaticString {
      switch self {
      case .maximum: "max pool"
      case .mean, .paddedMean: "average pool"
      case .blur: "blur pool"
      }
    }
  }

  public var reduction = Reduction.maximum
  public var kernelHeight = 0
  public var kernelWidth = 0
  public var strideY = 0
  public var strideX = 0
  public var paddingTop = 0
  public var paddingLeft = 0
  public var paddingBottom = 0
  public var paddingRight = 0

  package init() {}

  /// The height of the result; 0 if the window does not fit.
  public func outputHeight(_ input: TensorRecord) -> Int {
    places(input.height + paddingTop + paddingBottom, kernelHeight, strideY)
  }

  /// The width of the result; 0 if the window does not fit.
  public func outputWidth(_ input: TensorRecord) -> Int {
    places(input.width + paddingLeft + paddingRight, kernelWidth, strideX)
  }

  mutating func code(_ codec: inout RecordCodec) {
    codec.code(&reduction, at: 0)
    codec.u32(&kernelHeight, at: 4)
    codec.u32(&kernelWidth, at: 8)
    codec.u32(&strideY, at: 12)
    codec.u32(&strideX, at: 16)
    codec.u32(&paddingTop, at: 20)
    codec.u32(&paddingLeft, at: 24)
    codec.u32(&paddingBottom, at: 28)
    codec.u32(&paddingRight, at: 32)
  }
}

/// How many windows of a kernel fit into a padded size; 0 if none.
func places(_ size: Int, _ kernel: Int, _ stride: Int) -> Int {
  size < kernel ? 0 : (size - kernel) / stride + 1
}
