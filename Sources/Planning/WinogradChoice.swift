// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetModelGraph
package import ResNetPlanFormat

/// An instruction-set level whose times decide the Winograd forms of layers with fp16 or float32 weights.
public enum PlanTarget: String, CaseIterable, Sendable {
  case sse42, avx2, avx512vnni, neon

  /// Finds a target by the name of its level, or of a core whose level that is.
  public init?(name: String) {
    switch name {
    case "cortex-a53", "cortex-a72": self = .neon
    default: self.init(rawValue: name)
    }
  }

  /// Fitted to all convolutions of a ResNet18 in a row: `avx2` and `avx512vnni` on a Zen 5 core, `neon` by
  /// instructions counted at 1.5 GHz, one a cycle, and 5 GB/s.
  var floatCost: ConvolutionCost {
    switch self {
    case .sse42, .avx2:
      ConvolutionCost(
        direct: 65, products: 61, element: 0.12, byte: 0.025, register: (tiles: 6, toFill: 5))
    case .avx512vnni:
      ConvolutionCost(
        direct: 131, products: 127, element: 0.07, byte: 0.025, register: (tiles: 14, toFill: 7))
    case .neon:
      ConvolutionCost(
        direct: 5.1, products: 4.8, element: 1.7, byte: 0.2, register: (tiles: 16, toFill: 4))
    }
  }
}

/// What convolutions cost on one core.
struct ConvolutionCost {
  /// Products a nanosecond of direct convolutions, and of Winograd's.
  var direct, products: Double
  /// Nanoseconds for each element before and after Winograd's products, and for each byte of weights.
  var element, byte: Double
  /// Tiles in a register tile, and how many of them keep the multipliers busy.
  var register: (tiles: Int, toFill: Int)

  /// Of fp16 sums: instructions counted on a Cortex-A76 at 5 a nanosecond, and 12 GB/s.
  static var halfSums: ConvolutionCost {
    ConvolutionCost(
      direct: 33, products: 33, element: 0.45, byte: 0.08, register: (tiles: 8, toFill: 4))
  }

  /// Nanoseconds of a convolution with weights of fp16 or float32.
  func time(
    _ shape: WinogradShape, _ algorithm: Arithmetic.Algorithm, _ format: WeightFormat
  ) -> Double {
    let count = algorithm.tiles(shape)
    let weights = algorithm.positions * shape.inputs * shape.outputs
    let products = Double(count * weights)
    let bytes = Double(format.byteCount * weights)
    guard algorithm != .direct else { return time(products / direct, bytes: bytes, format) }
    let filled = min(1, Double(min(count, register.tiles)) / Double(register.toFill))
    return time(products / (self.products * filled), bytes: bytes, format)
      + Double(count * algorithm.positions * (shape.inputs + shape.outputs)) * element
  }

  /// The stream of fp16 weights goes on beside the products. That of float32, twice as wide, holds them up: fitted
  /// to `avx2` and `avx512vnni` on a Sapphire Rapids core, with weights that come from memory.
  private func time(_ products: Double, bytes: Double, _ format: WeightFormat) -> Double {
    format == .float16 ? max(products, bytes * byte) : products + 1.5 * bytes * byte
  }
}

/// A 3×3 convolution with stride 1: stored channels, size of the output.
package struct WinogradShape {
  package var height, width, inputs, outputs: Int

  package init(height: Int, width: Int, inputs: Int, outputs: Int) {
    (self.height, self.width) = (height, width)
    (self.inputs, self.outputs) = (inputs, outputs)
  }

  fileprivate var outputBlocks: UInt32 { UInt32(outputs / PlanLayout.channelBlock) }
}

extension Arithmetic.Algorithm {
  /// F(height × width, 3 × 3).
  package static let winograd: [Arithmetic.Algorithm] = [.winograd2x2, .winograd4x2, .winograd4x4]

  /// Products of a tile for each pair of channels.
  var positions: Int { Int(rn_winograd_positions(tile.height, tile.width)) }

  func tiles(_ shape: WinogradShape) -> Int {
    Int(rn_winograd_tiles(UInt32(shape.height), UInt32(shape.width), tile.height, tile.width))
  }

  /// Packed weights as the Winograd kernels read them.
  func transformed<Weight: AdditiveArithmetic>(
    _ weights: [Weight], _ shape: WinogradShape, _ transform: FloatTransform<Weight>
  ) -> [Weight] {
    var result = [Weight](repeating: .zero, count: positions * shape.inputs * shape.outputs)
    transform(tile.height, tile.width, weights, shape.outputBlocks, UInt32(shape.inputs), &result)
    return result
  }
}

/// What transforms the weights of a format: `rn_winograd_f16_weights` or `rn_winograd_f32_weights`.
typealias FloatTransform<Weight> = (
  _ tileHeight: UInt32, _ tileWidth: UInt32, _ weights: UnsafePointer<Weight>?,
  _ outputBlocks: UInt32, _ channels: UInt32, _ transformed: UnsafeMutablePointer<Weight>?
) -> Void

extension Program {
  /// The shape of a convolution that may have a transformed form: 3×3 with stride 1. Nil for other operations.
  func winogradShape(_ index: Int) -> WinogradShape? {
    let operation = operations[index]
    guard case .convolution(let convolution) = operation.kind, convolution.kernelSize == 3,
      convolution.stride == 1, convolution.isDense
    else { return nil }
    let output = tensors[operation.output]
    return WinogradShape(
      height: output.height, width: output.width, inputs: storedChannels(of: operation.input),
      outputs: PlanLayout.paddedChannels(output.channels))
  }
}
