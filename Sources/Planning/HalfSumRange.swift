// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

// Which convolutions may have products and short sums in fp16: those whose sums cannot leave its range.
extension PlanBuilder {
  /// Whether the sums of a convolution stay in the range that the kernels state, in the form it has, with
  /// inputs up to four times as large as those of the photos.
  func canSumInHalves(
    _ convolution: Convolution, of input: Int, _ form: WinogradForm?
  ) -> Bool {
    guard !scheme.magnitudes.isEmpty else { return false }
    let greatest = 4 * Double(scheme.magnitudes[input])
    guard greatest < 512 else { return false }
    let taps = convolution.kernelSize * convolution.kernelSize
    let count = convolution.weights.count / convolution.outputChannels
    return (0..<convolution.outputChannels).allSatisfy { output in
      var sums = [Double](repeating: 0, count: taps)
      for index in 0..<count {
        sums[index % taps] += Double(convolution.weights[output * count + index].magnitude)
      }
      let sum = form?.greatestSum(ofTaps: sums) ?? sums.reduce(0, +)
      // 6 % are for roundings on the way.
      return greatest * sum < 65504 * 0.94
    }
  }
}

extension WinogradForm {
  /// The greatest sum of a position for inputs of at most 1, of one output channel with these sums of |w| over
  /// input channels; the kernels scale by 1/16.
  fileprivate func greatestSum(ofTaps taps: [Double]) -> Double {
    let vertical = AbsoluteTransform(tile: height)
    let horizontal = AbsoluteTransform(tile: width)
    var greatest = 0.0
    for (row, inputRow) in zip(vertical.weights, vertical.inputs) {
      for (column, inputColumn) in zip(horizontal.weights, horizontal.inputs) {
        var sum = 0.0
        for y in 0..<3 { for x in 0..<3 { sum += row[y] * column[x] * taps[3 * y + x] } }
        greatest = max(greatest, inputRow * inputColumn * sum)
      }
    }
    return greatest / 16
  }
}

/// Absolute values of the transforms of F(2, 3) and F(4, 3).
private struct AbsoluteTransform {
  /// The rows of G.
  let weights: [[Double]]
  /// The sums of the rows of B^T.
  let inputs: [Double]

  init(tile: Int) {
    if tile == 2 {
      weights = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0, 0, 1]]
      inputs = [2, 2, 2, 2]
    } else {
      let sixth = [Double](repeating: 1.0 / 6, count: 3)
      let outer = [1.0 / 24, 1.0 / 12, 1.0 / 6]
      weights = [[0.25, 0, 0], sixth, sixth, outer, outer, [0, 0, 1]]
      inputs = [10, 10, 10, 6, 6, 10]
    }
  }
}
