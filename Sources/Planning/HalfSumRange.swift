// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetModelGraph
import ResNetPlanFormat

// Which convolutions may have products and short sums in fp16: those whose sums cannot leave its range.
extension PlanBuilder {
  /// Whether the sums of a convolution stay in the range that the kernels state, by its algorithm, with
  /// inputs up to four times as large as those of the photos.
  func canSumInHalves(
    _ convolution: Convolution, of input: Int, _ algorithm: Arithmetic.Algorithm
  ) -> Bool {
    guard !scheme.magnitudes.isEmpty else { return false }
    let greatest = 4 * Double(scheme.magnitudes[input])
    let taps = convolution.kernelSize * convolution.kernelSize
    let outputs = UInt32(convolution.outputChannels)
    let inputs = UInt32(convolution.weights.count / convolution.outputChannels / taps)
    guard algorithm != .direct else {
      return rn_conv_f16acc16_is_in_range(
        convolution.weights, outputs, inputs, UInt32(taps), greatest) != 0
    }
    return rn_winograd_f16acc16_is_in_range(
      algorithm.tile.height, algorithm.tile.width, convolution.weights, outputs, inputs, greatest)
      != 0
  }
}
