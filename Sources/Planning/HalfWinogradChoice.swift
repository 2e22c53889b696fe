// SPDX-License-Identifier: Apache-2.0

/// What fp16 convolutions with float32 activations cost on one core.
struct HalfConvolutionCost {
  /// Products a nanosecond of direct convolutions, and of Winograd's.
  var direct, products: Double
  /// Tiles in a register tile, and how many of them keep the multipliers busy.
  var tiles, tilesToFill: Int
  /// Nanoseconds for each element before and after Winograd's products, and for each byte of weights,
  /// whose stream goes on beside the products.
  var element, byte: Double

  func direct(_ shape: WinogradShape) -> Double {
    let weights = Double(9 * shape.inputs * shape.outputs)
    return max(Double(shape.height * shape.width) * weights / direct, 2 * weights * byte)
  }

  func winograd(_ shape: WinogradShape, _ form: WinogradForm) -> Double {
    let count = form.tiles(shape)
    let atOnce = min(count, tiles)
    let rate = products * min(1, Double(atOnce) / Double(tilesToFill))
    let weights = Double(form.positions * shape.inputs * shape.outputs)
    return max(Double(count) * weights / rate, 2 * weights * byte)
      + Double(count * form.positions * (shape.inputs + shape.outputs)) * element
  }
}

extension HalfConvolutionCost {
  /// Of fp16 sums: instructions counted on a Cortex-A76 at 5 a nanosecond, and 12 GB/s.
  static let halfSums = HalfConvolutionCost(
    direct: 33, products: 33, tiles: 8, tilesToFill: 4, element: 0.45, byte: 0.08)
}

extension PlanTarget {
  /// Fitted to all convolutions of a ResNet18 in a row: `avx2` and `avx512vnni` on a Zen 5 core, `neon` by
  /// instructions counted at 1.5 GHz, one a cycle, and 5 GB/s.
  var halfCost: HalfConvolutionCost {
    switch self {
    case .sse42, .avx2:
      HalfConvolutionCost(
        direct: 65, products: 61, tiles: 6, tilesToFill: 5, element: 0.12, byte: 0.025)
    case .avx512vnni:
      HalfConvolutionCost(
        direct: 131, products: 127, tiles: 14, tilesToFill: 7, element: 0.07, byte: 0.025)
    case .neon:
      HalfConvolutionCost(
        direct: 5.1, products: 4.8, tiles: 16, tilesToFill: 4, element: 1.7, byte: 0.2)
    }
  }
}

/// A layer that may have a Winograd form.
struct HalfWinogradCandidate {
  var shape: WinogradShape
  /// Of its weights, rounded to fp16.
  var greatestWeight: Float

  /// Bytes by which a form's weights are more than the plain ones, which inference does not read then.
  func addedBytes(_ form: WinogradForm) -> Int {
    2 * (form.positions - 9) * shape.inputs * shape.outputs
  }

  /// Transformed weights of F(2, 3) are up to 9/4 times as large.
  func isInRange(_ form: WinogradForm) -> Bool {
    form.width == 4 || greatestWeight * 2.25 < Float(Float16.greatestFiniteMagnitude)
  }
}

/// The forms of fp16 layers that save most time over all costs while they add at most `byteLimit` bytes; nil for
/// direct sums.
///
/// The layer that saves most time for each further byte changes its form first, until no change fits.
func chooseHalfForms(
  _ candidates: [HalfWinogradCandidate], byteLimit: Int, costs: [HalfConvolutionCost]
) -> [WinogradForm?] {
  var chosen = [WinogradForm?](repeating: nil, count: candidates.count)
  let totals = costs.map { cost in candidates.reduce(0) { $0 + cost.direct($1.shape) } }
  // In parts of the time that all candidates take directly.
  func cost(_ index: Int, _ form: WinogradForm?) -> Double {
    let shape = candidates[index].shape
    return zip(costs, totals).reduce(0) { sum, next in
      let (cost, total) = next
      return sum + (form.map { cost.winograd(shape, $0) } ?? cost.direct(shape)) / total
    }
  }
  func bytes(_ index: Int, _ form: WinogradForm?) -> Int {
    form.map(candidates[index].addedBytes) ?? 0
  }
  var left = byteLimit
  while true {
    var best: (index: Int, form: WinogradForm, added: Int)?
    var greatest = 0.0
    for index in candidates.indices {
      for form in WinogradForm.all where candidates[index].isInRange(form) {
        let added = bytes(index, form) - bytes(index, chosen[index])
        let saved = cost(index, chosen[index]) - cost(index, form)
        let gain = saved / Double(max(added, 1))
        if saved > 0, added <= left, gain > greatest {
          greatest = gain
          best = (index, form, added)
        }
      }
    }
    guard let best else { return chosen }
    chosen[best.index] = best.form
    left -= best.added
  }
}
