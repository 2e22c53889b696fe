// SPDX-License-Identifier: Apache-2.0

/// Offsets in a step's record, from the documentation of the format. Where a field has a value for height and
/// one for width, or for each side, it has several.
enum StepField {
  static let byteCount = 192

  static let input = [4]
  static let residual = [12]
  static let activations = 16
  static let weightFormat = 17
  static let accumulator = 18
  static let algorithm = 19
  static let name = [20]
  static let block = [24]
  static let multiplications = 32

  /// Of a convolution.
  static let kernel = [64, 68]
  static let stride = [72, 76]
  static let dilation = [80, 84]
  static let padding = [88, 92, 96, 100]
  static let groups = [104]
  static let residualFactor = [108]
  static let low = [112]
  static let high = [116]
  static let transformedPlace = [120]
  static let levels = 128
  static let weights = 136
  static let bias = 144
  static let multiplier = 152
  static let transformed = 160

  /// Of the classifier: weights, biases and multipliers.
  static let linearConstants = [64, 72, 80]
  static let averageFactor = [64]
}

/// Codes of algorithms.
enum AlgorithmCode {
  static let direct: UInt8 = 0
  static let winograd2x2: UInt8 = 1
  static let winograd4x4: UInt8 = 3
}
