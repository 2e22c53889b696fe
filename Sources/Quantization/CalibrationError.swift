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
  /// Throws if the last image gave a value that is not finite; names the first such tensor.
  func checkFinite(_ tensors: [String]) throws(CalibrationError) {
    for (index, name) in tensors.enumerated() {
      // The order of magnitudes is that of their bits, with infinity and NaN above all numbers.
      var greatest: UInt32 = 0
      forEachRun(of: index) { values in
        for value in values { greatest = max(greatest, value.magnitude.bitPattern) }
      }
      guard greatest < Float.infinity.bitPattern else { throw .notFinite(tensor: name) }
    }
  }
}
