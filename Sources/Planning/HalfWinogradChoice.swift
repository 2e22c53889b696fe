// SPDX-License-Identifier: Apache-2.0

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
  _ candidates: [HalfWinogradCandidate], byteLimit: Int, costs: [ConvolutionCost]
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
