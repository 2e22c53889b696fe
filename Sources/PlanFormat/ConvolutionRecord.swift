// SPDX-License-Identifier: Apache-2.0

/// The payload of a convolution.
///
/// Weights lie as the kernels read them: `[oc/16][row][run/4][16 oc][4]` int8, `[oc/16][row][run][16 oc]`
/// float32 or fp16. A run has the input channels of all columns, one column after the other. With groups or dilation
/// they are `[oc/16][tap][width/4][16 oc][4]` and `[oc/16][tap][width][16 oc]`, of the channels of a group, in the
/// order of `rn_grouped_index_q8`. Constants are named by offset in their section.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0, 4 | u32 | height and width of the kernel |
/// | 8, 12 | u32 | vertical and horizontal stride |
/// | 16, 20 | u32 | vertical and horizontal dilation |
/// | 24, 28, 32, 36 | u32 | padding at the top, left, bottom and right, pixels |
/// | 40 | u32 | groups |
/// | 44 | f32 | factor of the residual, from its units to the output's |
/// | 48, 52 | f32 | low and high: the clamp before rounding, without the zero point, in the output's units |
/// | 56 | u32 | where transformed weights are, ``TransformedPlace`` |
/// | 60 | i32 | zero of the zero tap's codes, −32000…32000 (coded only) |
/// | 72 | u64 | weights; 0 if only the transformed ones are stored |
/// | 80 | u64 | biases: int32 for int8 weights, else float32; coded: starts `[oc/16][tap][16 oc]`; see ``flippedBias(count:)`` |
/// | 88 | u64 | multipliers, float32 (int8 only) |
/// | 96 | u64 | transformed weights: fp16 or float32 `[oc/16][position][ic][16 oc]`, coded: int8 `[oc/16][tap][ic/4][16 oc][4]` |
/// | 104 | u64 | shifts, int32 `[oc/16][tap][16 oc]`, 0…31 (coded only) |
/// | 112 | u64 | factors, int16 `[row of taps][8]`, 0…32767 (coded only) |
/// | 64–71, 120–127 | | 0 |
public struct ConvolutionRecord: Equatable, Sendable, StepPayload {
  /// Where transformed weights are.
  public enum TransformedPlace: UInt32, Sendable {
    /// In the constants, at their offset.
    case constants = 0
    /// In memory of the session, which makes them of the plain ones when it is made.
    case madeAtLoad = 1
  }

  public var kernelHeight = 0
  public var kernelWidth = 0
  public var strideY = 0
  public var strideX = 0
  public var dilationY = 1
  public var dilationX = 1
  public var paddingTop = 0
  public var paddingLeft = 0
  public var paddingBottom = 0
  public var paddingRight = 0
  public var groups = 1
  public var residualFactor: Float = 0
  public var low: Float = 0
  public var high: Float = 0
  public var transformedPlace = TransformedPlace.constants
  public var codeZero: Int32 = 0
  public var weights = 0
  public var bias = 0
  public var multiplier = 0
  public var transformed = 0
  public var shifts = 0
  public var factors = 0

  package init() {}

  /// A square convolution without groups and dilation.
  package init(kernelSize: Int, stride: Int, padding: Int) {
    (kernelHeight, kernelWidth) = (kernelSize, kernelSize)
    (strideY, strideX) = (stride, stride)
    (paddingTop, paddingLeft, paddingBottom, paddingRight) = (padding, padding, padding, padding)
  }

  package var padding: Int {
    max(max(paddingTop, paddingBottom), max(paddingLeft, paddingRight))
  }

  /// The offset of a q8 convolution's biases or starts for inputs that are int8, 128 less than uint8: each is
  /// greater by 128 times the sum of the channel's weights, of the tap. They follow the plain ones at the next
  /// aligned offset.
  ///
  /// - Parameter count: how many there are: output channels, times taps if inputs are coded.
  public func flippedBias(count: Int) -> Int { bias + PlanLayout.aligned(4 * count) }

  /// The same convolution without gaps is what the dense kernels compute.
  public var isDense: Bool { groups == 1 && dilationY == 1 && dilationX == 1 }

  /// The input channels that an output channel reads.
  public func groupWidth(_ input: TensorRecord) -> Int { input.channels / groups }

  /// The rows that a kernel covers, gaps included.
  public var reachHeight: Int { (kernelHeight - 1) * dilationY + 1 }
  /// The columns.
  public var reachWidth: Int { (kernelWidth - 1) * dilationX + 1 }

  /// The products of an output: of int8 in whole groups of 4 for each kernel row.
  public func products(_ input: TensorRecord, _ weights: WeightFormat) -> Int {
    isDense
      ? kernelHeight * run(input, weights) : kernelHeight * kernelWidth * groupWidth(input)
  }

  /// Elements that a kernel row reads of `input`: columns times channels, in int8 whole groups of 4.
  public func run(_ input: TensorRecord, _ weights: WeightFormat) -> Int {
    let run = kernelWidth * input.channels
    return weights == .int8 ? (run + 3) / 4 * 4 : run
  }

  /// The height of the result; 0 if the kernel does not fit.
  public func outputHeight(_ input: TensorRecord) -> Int {
    places(input.height + paddingTop + paddingBottom, reachHeight, strideY)
  }

  /// The width of the result; 0 if the kernel does not fit.
  public func outputWidth(_ input: TensorRecord) -> Int {
    places(input.width + paddingLeft + paddingRight, reachWidth, strideX)
  }

  mutating func code(_ codec: inout RecordCodec) {
    codec.u32(&kernelHeight, at: 0)
    codec.u32(&kernelWidth, at: 4)
    codec.u32(&strideY, at: 8)
    codec.u32(&strideX, at: 12)
    codec.u32(&dilationY, at: 16)
    codec.u32(&dilationX, at: 20)
    codec.u32(&paddingTop, at: 24)
    codec.u32(&paddingLeft, at: 28)
    codec.u32(&paddingBottom, at: 32)
    codec.u32(&paddingRight, at: 36)
    codec.u32(&groups, at: 40)
    codec.f32(&residualFactor, at: 44)
    codec.f32(&low, at: 48)
    codec.f32(&high, at: 52)
    codec.code(&transformedPlace, at: 56)
    codec.number(&codeZero, at: 60)
    codec.u64(&weights, at: 72)
    codec.u64(&bias, at: 80)
    codec.u64(&multiplier, at: 88)
    codec.u64(&transformed, at: 96)
    codec.u64(&shifts, at: 104)
    codec.u64(&factors, at: 112)
  }
}
