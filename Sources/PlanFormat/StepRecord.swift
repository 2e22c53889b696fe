// SPDX-License-Identifier: Apache-2.0

/// One step of the plan: a header that is the same for all operations, and the payload of its operation.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0 | u32 | operation, `StepOperation.Code` |
/// | 4, 8 | u32 | input and output tensor; the input of an input step is the caller's image |
/// | 12 | u32 | residual tensor, or 0xFFFFFFFF |
/// | 16–19 | u8 | ``Arithmetic`` |
/// | 20, 24 | u32 | name and block, offsets in the strings |
/// | 32 | u64 | multiplications of the network's own shape |
/// | 28–31, 40–63 | | 0 |
/// | 64–191 | | ``ConvolutionRecord``, ``PoolRecord``, ``GlobalAverageRecord``, ``LinearRecord``, ``ScaleRecord``, or 0 |
public struct StepRecord: Equatable, PlanRecord {
  public static var byteCount: Int { 192 }
  static var payloadOffset: Int { 64 }
  public static var noTensor: Int { 0xFFFF_FFFF }

  public var operation = StepOperation.input
  public var input = 0
  public var output = 0
  public var residual = StepRecord.noTensor
  public var arithmetic = Arithmetic.float32
  public var name = 0
  public var block = 0
  public var multiplications = 0

  package init() {}

  public var hasResidual: Bool { residual != StepRecord.noTensor }

  /// Bytes of scratch memory for each thread.
  ///
  /// A stem has three rows of its convolution, with a pixel of padding on each side, and a row of the maximum
  /// if the output is of another format. Other convolutions have their tiles and, with float32 activations,
  /// a strip of rows. A scale with a gate has the multipliers.
  public func scratchByteCount(input: TensorRecord, output: TensorRecord) -> Int {
    switch operation {
    case .stem(let record):
      let pixel = output.channels * arithmetic.activations.byteCount
      let converted =
        output.format == arithmetic.activations ? 0 : PlanLayout.aligned(output.width * pixel)
      return 3 * PlanLayout.aligned((record.outputWidth(input) + 2) * pixel) + converted
    case .convolution(let record):
      let tiles = arithmetic.scratchByteCount(inputs: input.channels)
      guard arithmetic.activations == .float32 else { return tiles }
      return tiles + StripLayout(record, arithmetic, input: input, output: output).byteCount
    case .scale(let record):
      return record.hasGate ? PlanLayout.aligned(4 * output.channels) : 0
    case .input, .pool, .globalAverage, .linear, .sigmoid: return 0
    }
  }

  package mutating func code(_ codec: inout RecordCodec) {
    var code = operation.code
    codec.code(&code, at: 0)
    codec.u32(&input, at: 4)
    codec.u32(&output, at: 8)
    codec.u32(&residual, at: 12)
    arithmetic.code(&codec, at: 16)
    codec.u32(&name, at: 20)
    codec.u32(&block, at: 24)
    codec.u64(&multiplications, at: 32)
    codec.startPayload(at: StepRecord.payloadOffset)
    operation.code(&codec, as: code)
  }
}
