// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
package import ResNetPlanFormat

/// An instruction-set level whose times decide the Winograd forms of layers with fp16 weights.
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
  var halfCost: ConvolutionCost {
    switch self {
    case .sse42, .avx2:
      ConvolutionCost(
        direct: 65, products: 61, element: 0.12, byte: 0.025, halves: (tiles: 6, toFill: 5))
    case .avx512vnni:
      ConvolutionCost(
        direct: 131, products: 127, element: 0.07, byte: 0.025, halves: (tiles: 14, toFill: 7))
    case .neon:
      ConvolutionCost(
        direct: 5.1, products: 4.8, element: 1.7, byte: 0.2, halves: (tiles: 16, toFill: 4))
    }
  }
}

/// What convolutions cost on one core.
struct ConvolutionCost {
  /// Products a nanosecond of direct convolutions, and of Winograd's.
  var direct, products: Double
  /// Nanoseconds for each element before and after Winograd's products, and for each byte of weights.
  var element, byte: Double
  /// Of fp16 weights, whose stream goes on beside the products: tiles in a register tile, and how many of them keep
  /// the multipliers busy; nil for int8.
  var halves: (tiles: Int, toFill: Int)?

  /// Of fp16 sums: instructions counted on a Cortex-A76 at 5 a nanosecond, and 12 GB/s.
  static var halfSums: ConvolutionCost {
    ConvolutionCost(
      direct: 33, products: 33, element: 0.45, byte: 0.08, halves: (tiles: 8, toFill: 4))
  }

  /// Nanoseconds of a convolution.
  func time(_ shape: WinogradShape, _ algorithm: Arithmetic.Algorithm) -> Double {
    let count = algorithm.tiles(shape)
    let weights = Double(algorithm.positions * shape.inputs * shape.outputs)
    guard algorithm != .direct else {
      return time(Double(count) * weights / direct, bytes: halves == nil ? weights : 2 * weights)
    }
    let filled = halves.map { Double(min(count, $0.tiles)) / Double($0.toFill) } ?? 1
    return time(Double(count) * weights / (products * min(1, filled)), bytes: 2 * weights)
      + Double(count * algorithm.positions * (shape.inputs + shape.outputs)) * element
  }

  private func time(_ products: Double, bytes: Double) -> Double {
    halves == nil ? products + bytes * byte : max(products, bytes * byte)
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

  /// Packed fp16 weights as the Winograd kernels read them.
  func transformed(_ weights: [UInt16], _ shape: WinogradShape) -> [UInt16] {
    var result = [UInt16](repeating: 0, count: positions * shape.inputs * shape.outputs)
    rn_winograd_f16_weights(
      tile.height, tile.width, weights, shape.outputBlocks, UInt32(shape.inputs), &result)
    return result
  }
}
