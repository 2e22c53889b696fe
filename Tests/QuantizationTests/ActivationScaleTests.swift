// SPDX-License-Identifier: Apache-2.0

import ResNetPlanning
import ResNetQuantization
import Testing

@Suite struct ActivationScaleTests {
  @Test func aRectifiedRangeHasZeroPoint0() {
    let scale = ActivationScale(low: 0, high: 51)
    #expect(scale.scale == 0.2 && scale.zeroPoint == 0)
  }

  @Test func zeroIsExactInASignedRange() {
    let scale = ActivationScale(low: -1, high: 1.55)
    #expect(scale.scale == 0.01 && scale.zeroPoint == 100)
    #expect(ActivationScale(low: -51, high: 0).zeroPoint == 255)
  }

  @Test func aRangeWithout0IsWidened() {
    #expect(ActivationScale(low: 5, high: 10) == ActivationScale(low: 0, high: 10))
    #expect(ActivationScale(low: -10, high: -5) == ActivationScale(low: -10, high: 0))
  }

  @Test func aSinglePointHasScale1() {
    let scale = ActivationScale(low: 0, high: 0)
    #expect(scale.scale == 1 && scale.zeroPoint == 0)
    // The range of a histogram without values.
    let none = ActivationScale(low: .infinity, high: -.infinity)
    #expect(none == scale)
  }

  @Test func hugeAndTinyRangesHaveAPositiveScale() {
    let greatest = Float.greatestFiniteMagnitude
    let huge = ActivationScale(low: -greatest, high: greatest)
    #expect(huge.scale.isFinite && huge.scale > 1e36)
    #expect(huge.zeroPoint == 128 || huge.zeroPoint == 127)
    let tiny = ActivationScale(low: -1e-37, high: 1e-37)
    #expect(tiny.scale > 0 && (120...135).contains(tiny.zeroPoint))
    // Their steps are below the smallest float.
    let least = Float.leastNonzeroMagnitude
    for (low, high) in [(0, least), (-least, 0), (-least, least)] {
      let scale = ActivationScale(low: low, high: high)
      #expect(scale.scale == 1 && scale.zeroPoint == 0)
    }
  }

  @Test func everyValueOfTheRangeIsWithinHalfAStep() {
    for (low, high) in [(-3, 5), (0, 0.001), (-1000, 1), (-0.25, 0.25)] as [(Float, Float)] {
      let scale = ActivationScale(low: low, high: high)
      for part in 0...100 {
        let value = low + (high - low) * Float(part) / 100
        let stored = (Double(value) / Double(scale.scale)).rounded() + Double(scale.zeroPoint)
        let clamped = min(max(stored, 0), 255)
        let back = Double(scale.scale) * (clamped - Double(scale.zeroPoint))
        // Rounding the zero point may move the ends out by half a step.
        #expect(abs(back - Double(value)) <= Double(scale.scale) * 0.5001)
      }
    }
  }
}
