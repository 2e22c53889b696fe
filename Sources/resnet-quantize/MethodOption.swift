// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ResNetQuantization

/// How activation ranges are chosen.
enum MethodOption: String, ExpressibleByArgument, CaseIterable {
  case auto
  case minMax = "min-max"
  case movingAverage = "moving-average"
  case percentile, entropy, mse

  /// The method; nil for the best of all.
  func method(percentile: Double) -> CalibrationMethod? {
    switch self {
    case .auto: nil
    case .minMax: .minMax
    case .movingAverage: .movingAverage
    case .percentile: .percentile(percentile)
    case .entropy: .entropy
    case .mse: .meanSquaredError
    }
  }
}
