// SPDX-License-Identifier: Apache-2.0

/// One step of the plan.
///
/// Tensors are named by index, constants by offset in the constants section. Weights lie as the
/// kernels read them: `[oc/16][row][run/4][16 oc][4]` int8, `[oc/16][row][run][16 oc]` float32 or fp16 for
/// convolutions, `[out/16][in][16 out]` for the classifier, in each format. A run has the input
/// channels of all columns, one column after the other.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0 | u32 | operation, ``StepOperation`` |
/// | 4, 8 | u32 | input and output tensor; the input of operation 0 is the caller's image |
/// | 12 | u32 | residual tensor, or 0xFFFFFFFF |
/// | 16, 20, 24 | u32 | kernel size, stride, padding of the convolution |
/// | 28 | u16 | format of the weights, ``ElementFormat`` |
/// | 30 | u16 | 1: products and short sums may be fp16; else 0 |
/// | 32, 36 | u32 | name and block, offsets in the strings |
/// | 40 | f32 | factor of the residual, or of the sum for the average pool |
/// | 44, 48 | f32 | low and high: the clamp before rounding, without the zero point |
/// | 52, 53 | u8 | height and width of the Winograd tile, or 0; the width plus 128: made by the session |
/// | 54 | u16 | levels that use it: bit n stands for `rn_isa` n |
/// | 56 | u64 | weights; 0 in fp16 if only the transformed ones are stored |
/// | 64 | u64 | biases: int32 for q8 convolutions, else float32; see ``flippedBias(channels:)`` |
/// | 72 | u64 | multipliers, float32 (q8 only) |
/// | 80 | u64 | multiplications of the network's own shape |
/// | 88 | u64 | transformed weights, int16 `[oc/16][position][ic/2][16 oc][2 ic]` or fp16 `[oc/16][position][ic][16 oc]` |
public struct StepRecord: Equatable {
  public static var byteCount: Int { 96 }
  public static var noTensor: Int { 0xFFFF_FFFF }

  public var operation: StepOperation
  public var input, output, residual: Int
  public var kernelSize, stride, padding: Int
  public var format: ElementFormat
  /// Whether an fp16 convolution may sum in fp16 where the CPU can, within the bounds of the kernels; else it
  /// gives the same bits everywhere.
  public var hasHalfSums: Bool
  public var name, block: Int
  public var factor: Float
  public var low, high: Float
  public var weights, bias, multiplier: Int
  public var multiplications: Int
  /// The Winograd form: in int8 for some instruction-set levels, with the same bits; in fp16 for all.
  public var winograd: WinogradRecord?

  public init(
    operation: StepOperation, input: Int, output: Int, residual: Int = StepRecord.noTensor,
    kernelSize: Int = 0, stride: Int = 0, padding: Int = 0, format: ElementFormat,
    hasHalfSums: Bool = false, name: Int, block: Int, factor: Float = 0, low: Float = 0,
    high: Float = 0, weights: Int = 0, bias: Int = 0,
    multiplier: Int = 0, multiplications: Int = 0, winograd: WinogradRecord? = nil
  ) {
    self.operation = operation
    self.input = input
    self.output = output
    self.residual = residual
    self.kernelSize = kernelSize
    self.stride = stride
    self.padding = padding
    self.format = format
    self.hasHalfSums = hasHalfSums
    self.name = name
    self.block = block
    self.factor = factor
    self.low = low
    self.high = high
    self.weights = weights
    self.bias = bias
    self.multiplier = multiplier
    self.multiplications = multiplications
    self.winograd = winograd
  }

  /// The offset of a q8 convolution's biases for inputs that are int8, 128 less than uint8: each is
  /// greater by 128 times the sum of the channel's weights. They follow the plain ones at the next
  /// aligned offset.
  public func flippedBias(channels: Int) -> Int { bias + PlanLayout.aligned(4 * channels) }

  public var hasResidual: Bool { residual != StepRecord.noTensor }

  /// Elements that a kernel row reads of `input`: columns times channels, in int8 whole groups of 4.
  public func run(_ input: TensorRecord) -> Int {
    let run = kernelSize * input.channels
    return format == .q8 ? (run + 3) / 4 * 4 : run
  }

  /// Scratch of a stem: three rows of its convolution, `width` pixels and one of padding on each side; and,
  /// if the output is of another format, a row of the maximum.
  public func stemScratchByteCount(width: Int, _ output: TensorRecord) -> Int {
    let pixel = output.channels * format.activations.byteCount
    let converted =
      output.format == format.activations ? 0 : PlanLayout.aligned(output.width * pixel)
    return 3 * PlanLayout.aligned((width + 2) * pixel) + converted
  }

  /// Reads a record, or returns nil if a code does not exist or an offset exceeds Int.
  init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
    guard let operation = StepOperation(rawValue: bytes.u32(start)),
      let format = ElementFormat(rawValue: bytes.u32(start + 28) & 0xFFFF),
      bytes.u32(start + 28) >> 16 <= 1,
      let weights = Int(exactly: bytes.u64(start + 56)),
      let bias = Int(exactly: bytes.u64(start + 64)),
      let multiplier = Int(exactly: bytes.u64(start + 72)),
      let multiplications = Int(exactly: bytes.u64(start + 80)),
      let transformed = Int(exactly: bytes.u64(start + 88)),
      bytes.u32(start + 52) != 0 || transformed == 0
    else { return nil }
    let form = bytes.u32(start + 52)
    let winograd = form == 0 ? nil : WinogradRecord(form: form, weights: transformed)
    self.init(
      operation: operation, input: Int(bytes.u32(start + 4)), output: Int(bytes.u32(start + 8)),
      residual: Int(bytes.u32(start + 12)), kernelSize: Int(bytes.u32(start + 16)),
      stride: Int(bytes.u32(start + 20)), padding: Int(bytes.u32(start + 24)), format: format,
      hasHalfSums: bytes.u32(start + 28) >> 16 == 1, name: Int(bytes.u32(start + 32)),
      block: Int(bytes.u32(start + 36)),
      factor: bytes.f32(start + 40), low: bytes.f32(start + 44), high: bytes.f32(start + 48),
      weights: weights, bias: bias, multiplier: multiplier, multiplications: multiplications,
      winograd: winograd)
  }

  /// Writes the record into `bytes`, which holds zeros.
  public func write(to bytes: UnsafeMutableRawBufferPointer, at start: Int) {
    bytes.set(operation.rawValue, at: start)
    bytes.set(UInt32(input), at: start + 4)
    bytes.set(UInt32(output), at: start + 8)
    bytes.set(UInt32(residual), at: start + 12)
    bytes.set(UInt32(kernelSize), at: start + 16)
    bytes.set(UInt32(stride), at: start + 20)
    bytes.set(UInt32(padding), at: start + 24)
    bytes.set(format.rawValue | (hasHalfSums ? 1 << 16 : 0), at: start + 28)
    bytes.set(UInt32(name), at: start + 32)
    bytes.set(UInt32(block), at: start + 36)
    bytes.set(factor, at: start + 40)
    bytes.set(low, at: start + 44)
    bytes.set(high, at: start + 48)
    bytes.set(UInt64(weights), at: start + 56)
    bytes.set(UInt64(bias), at: start + 64)
    bytes.set(UInt64(multiplier), at: start + 72)
    bytes.set(UInt64(multiplications), at: start + 80)
    if let winograd {
      bytes.set(winograd.form, at: start + 52)
      bytes.set(UInt64(winograd.weights), at: start + 88)
    }
  }
}
