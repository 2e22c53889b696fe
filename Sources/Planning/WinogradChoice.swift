// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
public import ResNetPlanFormat

/// An instruction-set level for which a plan stores transformed weights where they pay.
public enum PlanTarget: String, CaseIterable, Sendable {
  case sse42, avx2, avx512vnni, neon

  /// Finds a target by the name of its level, or of a core whose level that is.
  public init?(name: String) {
    switch name {
    case "cortex-a53", "cortex-a72": self = .neon
    default: self.init(rawValue: name)
    }
  }

  /// The level in a plan.
  public var level: PlanLevels {
    switch self {
    case .sse42: .sse42
    case .avx2: .avx2
    case .avx512vnni: .avx512vnni
    case .neon: .neon
    }
  }

  /// Fitted to `CheckKernels --bench` on a Sapphire Rapids core; only ratios matter. What a weight costs
  /// to stream is that of a small board's memory, 10 GB/s, for the levels that such boards have.
  /// Those of `neon` are counted instructions at 1.5 GHz, one a cycle, and 5 GB/s.
  var cost: ConvolutionCost {
    switch self {
    case .sse42: ConvolutionCost(direct: 25, products: 23, element: 0.16, byte: 0.1)
    case .avx2: ConvolutionCost(direct: 47, products: 65, element: 0.22, byte: 0.1)
    case .avx512vnni: ConvolutionCost(direct: 365, products: 180, element: 0.08, byte: 0.013)
    case .neon: ConvolutionCost(direct: 6.6, products: 5.6, element: 1.2, byte: 0.2)
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
  /// Products a nanosecond of direct convolutions, and of Winograd's, whose int8 ones are of int16.
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

  /// The greatest magnitude of an output channel's sum over all inputs.
  fileprivate func greatestSum(_ weights: [Int8]) -> UInt32 {
    rn_winograd_q8_greatest_sum(weights, outputBlocks, UInt32(inputs))
  }
}

extension Arithmetic.Algorithm {
  /// F(height × width, 3 × 3).
  package static let winograd: [Arithmetic.Algorithm] = [.winograd2x2, .winograd4x2, .winograd4x4]

  /// Products of a tile for each pair of channels.
  var positions: Int { Int(rn_winograd_positions(tile.height, tile.width)) }

  func tiles(_ shape: WinogradShape) -> Int {
    Int(rn_winograd_tiles(UInt32(shape.height), UInt32(shape.width), tile.height, tile.width))
  }

  /// Whether weights with this greatest sum give exact sums for all inputs.
  func isExact(greatestSum: UInt32) -> Bool {
    rn_winograd_q8_is_exact(tile.height, tile.width, greatestSum) != 0
  }

  /// Whether these packed weights give exact sums for all inputs.
  package func isExact(_ weights: [Int8], _ shape: WinogradShape) -> Bool {
    isExact(greatestSum: shape.greatestSum(weights))
  }

  /// Packed int8 weights as the Winograd kernels read them.
  func transformed(_ weights: [Int8], _ shape: WinogradShape) -> [Int16] {
    var result = [Int16](repeating: 0, count: positions * shape.inputs * shape.outputs)
    rn_winograd_q8_weights(
      tile.height, tile.width, weights, 0, shape.outputBlocks, UInt32(shape.inputs), &result)
    return result
  }

  /// Packed fp16 weights as the Winograd kernels read them.
  func transformed(_ weights: [UInt16], _ shape: WinogradShape) -> [UInt16] {
    var result = [UInt16](repeating: 0, count: positions * shape.inputs * shape.outputs)
    rn_winograd_f16_weights(
      tile.height, tile.width, weights, shape.outputBlocks, UInt32(shape.inputs), &result)
    return result
  }
}

/// An algorithm, and the targets on which it pays.
package struct WinogradChoice: Equatable {
  package var algorithm: Arithmetic.Algorithm
  package var targets: [PlanTarget]
}

/// The form that is exact and saves most time over all targets, and the targets on which it saves at
/// least 8 %; nil if there is none.
package func chooseWinograd(
  _ weights: [Int8], _ shape: WinogradShape, targets: [PlanTarget]
) -> WinogradChoice? {
  guard shape.inputs % 32 == 0 else { return nil }
  var best: WinogradChoice?
  var greatest = 0.0
  let greatestSum = shape.greatestSum(weights)
  for form in Arithmetic.Algorithm.winograd {
    let ratios = targets.map { ($0, $0.cost.time(shape, form) / $0.cost.time(shape, .direct)) }
    let paying = ratios.filter { $0.1 < 0.92 }
    let saved = paying.reduce(0) { $0 + 1 - $1.1 }
    if saved > greatest, form.isExact(greatestSum: greatestSum) {
      greatest = saved
      best = WinogradChoice(algorithm: form, targets: paying.map(\.0))
    }
  }
  return best
}
