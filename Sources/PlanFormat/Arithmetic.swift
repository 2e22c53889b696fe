// SPDX-License-Identifier: Apache-2.0

package import CResNetKernels

/// The numbers that a step computes with, and the way it sums: what its kernel is chosen by.
///
/// | byte | content |
/// |---|---|
/// | 0 | ``ActivationFormat`` of what it reads; other tensors are converted |
/// | 1 | ``WeightFormat``; of steps without weights int8 for uint8, else float32 |
/// | 2 | ``Accumulator`` |
/// | 3 | ``Algorithm`` |
public struct Arithmetic: Equatable, Sendable {
  /// What sums are kept in.
  public enum Accumulator: UInt8, Sendable {
    case int32 = 0
    case float32 = 1
    /// Products and short sums in fp16 where the CPU can, within the bounds of the kernels; float32 elsewhere.
    case float16 = 2
  }

  /// How a convolution is computed.
  public enum Algorithm: UInt8, Sendable {
    /// Each sum by itself.
    case direct = 0
    /// Winograd's F(height × width, 3 × 3): with int32 accumulators the same bits as direct sums.
    case winograd2x2 = 1
    case winograd4x2 = 2
    case winograd4x4 = 3
    /// In a transform's domain, where inputs are rounded to 8 bits: another result than that of direct sums, with
    /// the same bits on every CPU. Winograd's F(2 × 2, 3 × 3), and the symbolic Fourier transform SFC-4(4 × 4, 3 × 3).
    case coded2x2 = 4
    case coded4x4 = 5

    /// Outputs that are computed together, in pixels, as the kernels take it.
    package var tile: (height: UInt32, width: UInt32) {
      switch self {
      case .direct: (1, 1)
      case .winograd2x2, .coded2x2: (2, 2)
      case .winograd4x2: (4, 2)
      case .winograd4x4, .coded4x4: (4, 4)
      }
    }

    /// The form as the kernels take it; nil if inputs are not coded.
    package var codedForm: rn_coded_form? {
      switch self {
      case .direct, .winograd2x2, .winograd4x2, .winograd4x4: nil
      case .coded2x2: RN_CODED_F2X2
      case .coded4x4: RN_CODED_SFC4X4
      }
    }

    /// Whether inputs are rounded to 8 bits in the domain of a transform.
    public var isCoded: Bool { codedForm != nil }

    /// The products that a tile of one input and one output channel takes.
    public var products: Int {
      switch self {
      case .direct: 9
      case .winograd2x2, .winograd4x2, .winograd4x4:
        Int(rn_winograd_positions(tile.height, tile.width))
      case .coded2x2, .coded4x4: Int(rn_coded_taps(codedForm!))
      }
    }

    /// The height of the outputs that are computed together, in pixels.
    public var tileHeight: Int { Int(tile.height) }
    /// Their width.
    public var tileWidth: Int { Int(tile.width) }
  }

  public var activations: ActivationFormat
  public var weights: WeightFormat
  public var accumulator: Accumulator
  public var algorithm: Algorithm

  public init(
    _ activations: ActivationFormat, _ weights: WeightFormat, _ accumulator: Accumulator,
    _ algorithm: Algorithm = .direct
  ) {
    self.activations = activations
    self.weights = weights
    self.accumulator = accumulator
    self.algorithm = algorithm
  }

  /// uint8 activations, int8 weights and exact sums.
  public static var int8: Arithmetic { Arithmetic(.uint8, .int8, .int32) }
  /// float32 throughout.
  public static var float32: Arithmetic { Arithmetic(.float32, .float32, .float32) }

  /// Bytes of the transformed weights; 0 of direct sums, which need none. Of int8 they are int16, coded ones int8.
  public func transformedByteCount(inputs: Int, outputs: Int) -> Int {
    guard algorithm != .direct else { return 0 }
    let size = algorithm.isCoded ? 1 : max(weights.byteCount, 2)
    return algorithm.products * inputs * outputs * size
  }

  /// Bytes of scratch memory for each thread that the algorithm needs.
  public func scratchByteCount(inputs: Int) -> Int {
    let (height, width) = algorithm.tile
    if let form = algorithm.codedForm { return Int(rn_coded_q8_scratch(form, UInt32(inputs))) }
    switch (algorithm, accumulator) {
    case (.direct, _): return 0
    case (_, .int32): return Int(rn_winograd_q8_scratch(height, width, UInt32(inputs)))
    case (_, .float32), (_, .float16):
      return Int(rn_winograd_float_scratch(height, width, UInt32(inputs)))
    }
  }

  mutating func code(_ codec: inout RecordCodec, at offset: Int) {
    codec.code(&activations, at: offset)
    codec.code(&weights, at: offset + 1)
    codec.code(&accumulator, at: offset + 2)
    codec.code(&algorithm, at: offset + 3)
  }
}
