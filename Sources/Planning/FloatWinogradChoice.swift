// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat

/// A layer that may have a Winograd form.
struct FloatWinogradCandidate {
  var shape: WinogradShape
  /// Float16 or float32.
  var weights: WeightFormat
  /// Of its weights.
  var greatestWeight: Float

  /// Bytes by which a form's weights are more than the plain ones, which inference does not read then.
  func addedBytes(_ form: Arithmetic.Algorithm) -> Int {
    weights.byteCount * (form.positions - 9) * shape.inputs * shape.outputs
  }

  /// Transformed weights of F(2, 3) are up to 9/4 times as large, and sums on the way to them up to 9/2 times.
  func isInRange(_ form: Arithmetic.Algorithm) -> Bool {
    switch weights {
    case .float32, .int8: (greatestWeight * 4.5).isFinite
    case .float16:
      form.tileWidth == 4 || greatestWeight * 2.25 < Float(Float16.greatestFiniteMagnitude)
    }
  }

  /// What a convolution costs with this algorithm.
  fileprivate func time(_ algorithm: Arithmetic.Algorithm, _ cost: ConvolutionCost) -> Double {
    cost.time(shape, algorithm, weights)
  }
}

/// The forms of fp16 and float32 layers that save most time over all costs while they add at most `byteLimit` bytes.
///
/// The layer that saves most time for each further byte changes its form first, until no change fits.
func chooseFloatForms(
  _ candidates: [FloatWinogradCandidate], byteLimit: Int, costs: [ConvolutionCost]
) -> [Arithmetic.Algorithm] {
  var chosen = [Arithmetic.Algorithm](repeating: .direct, count: candidates.count)
  let totals = costs.map { cost in candidates.reduce(0) { $0 + $1.time(.direct, cost) } }
  // In parts of the time that all candidates take directly.
  func cost(_ index: Int, _ form: Arithmetic.Algorithm) -> Double {
    zip(costs, totals).reduce(0) { $0 + candidates[index].time(form, $1.0) / $1.1 }
  }
  var left = byteLimit
  while true {
    var best: (index: Int, form: Arithmetic.Algorithm, added: Int)?
    var greatest = 0.0
    for (index, candidate) in candidates.enumerated() {
      for form in Arithmetic.Algorithm.winograd where candidate.isInRange(form) {
        let added = candidate.addedBytes(form) - candidate.addedBytes(chosen[index])
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
