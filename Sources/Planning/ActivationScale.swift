// SPDX-License-Identifier: Apache-2.0

/// How a uint8 tensor stands for real values: `scale * (stored - zeroPoint)`.
public struct ActivationScale: Equatable, Sendable {
  public var scale: Float
  public var zeroPoint: Int

  /// The scale of a range, widened to hold 0, which is always exact.
  ///
  /// A range of a single point gets scale 1, and so does one whose step is below the smallest float.
  public init(low: Float, high: Float) {
    let low = Double(min(low, 0))
    let high = Double(max(high, 0))
    let step = Float((high - low) / 255)
    scale = step > 0 ? step : 1
    zeroPoint = min(max(Int((-low / Double(scale)).rounded(.toNearestOrEven)), 0), 255)
  }
}
