// SPDX-License-Identifier: Apache-2.0

/// Why a network cannot be calibrated.
public enum CalibrationError: Error, Equatable, CustomStringConvertible {
  /// A tensor has a value that is not a number, or beyond the greatest float32, for some image.
  case notFinite(tensor: String)

  public var description: String {
    switch self {
    case .notFinite(let tensor):
      "\(tensor): expected finite activations in float32, found infinity or not a number"
    }
  }
}

extension FloatExecutor {
  /// Whether no value of a tensor is infinite or not a number.
  func isFinite(_ tensor: Int) -> Bool {
    // The order of magnitudes is that of their bits, with infinity and NaN above all numbers.
    var greatest: UInt32 = 0
    forEachRun(of: tensor) { values in
      for value in values { greatest = max(greatest, value.magnitude.bitPattern) }
    }
    return greatest < Float.infinity.bitPattern
  }
}
