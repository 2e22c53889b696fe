// SPDX-License-Identifier: Apache-2.0

import CResNetKernels

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

    /// Outputs that are computed together, in pixels, as the kernels take it.
    package var tile: (height: UInt32, width: UInt32) {
      switch self {
      case .direct: (1, 1)
      case .winograd2x2: (2, 2)
      case .winograd4x2: (4, 2)
      case .winograd4x4: (4, 4)
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

  /// Bytes of the transformed weights, int16 ones of int8; 0 of direct sums, which need none.
  public func transformedByteCount(inputs: Int, outputs: Int) -> Int {
    guard algorithm != .direct else { return 0 }
    let (height, width) = algorithm.tile
    return Int(rn_winograd_positions(height, width)) * inputs * outputs * max(weights.byteCount, 2)
  }

  /// Bytes of scratch memory for each thread that the algorithm needs.
  public func scratchByteCount(inputs: Int) -> Int {
    let (height, width) = algorithm.tile
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
