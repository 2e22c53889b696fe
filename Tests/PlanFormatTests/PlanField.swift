// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat

/// A field of a record by where it lies, from the documentation of the format. Where it has a value for height
/// and one for width, or for each side, it has several places.
struct PlanField {
  var section: PlanSection
  /// The size of the record.
  var byteCount: Int
  var offsets: [Int]
  var size: Int

  /// Each place by itself.
  var each: [PlanField] {
    offsets.map { PlanField(section: section, byteCount: byteCount, offsets: [$0], size: size) }
  }

  static func step(_ offsets: Int..., size: Int = 4) -> PlanField {
    PlanField(section: .steps, byteCount: 192, offsets: offsets, size: size)
  }

  static func tensor(_ offsets: Int..., size: Int = 4) -> PlanField {
    PlanField(section: .tensors, byteCount: 64, offsets: offsets, size: size)
  }

  static func output(_ offset: Int) -> PlanField {
    PlanField(section: .outputs, byteCount: 32, offsets: [offset], size: 4)
  }

  static func model(_ offsets: Int...) -> PlanField {
    PlanField(section: .model, byteCount: 64, offsets: offsets, size: 4)
  }

  static func preprocessing(_ offset: Int) -> PlanField {
    PlanField(section: .preprocessing, byteCount: 64, offsets: [offset], size: 4)
  }

  static func constant(_ offset: Int) -> PlanField {
    PlanField(section: .constants, byteCount: 0, offsets: [offset], size: 4)
  }
}

/// The bits of numbers in a field.
func bits(_ numbers: Float...) -> [UInt64] { numbers.map { UInt64($0.bitPattern) } }

enum StepField {
  static let input = PlanField.step(4)
  static let residual = PlanField.step(12)
  static let activations = PlanField.step(16, size: 1)
  static let weightFormat = PlanField.step(17, size: 1)
  static let accumulator = PlanField.step(18, size: 1)
  static let algorithm = PlanField.step(19, size: 1)
  static let name = PlanField.step(20)
  static let block = PlanField.step(24)
  static let multiplications = PlanField.step(32, size: 8)

  /// Of a convolution.
  static let kernel = PlanField.step(64, 68)
  static let stride = PlanField.step(72, 76)
  static let dilation = PlanField.step(80, 84)
  static let padding = PlanField.step(88, 92, 96, 100)
  static let groups = PlanField.step(104)
  static let residualFactor = PlanField.step(108)
  static let low = PlanField.step(112)
  static let high = PlanField.step(116)
  static let transformedPlace = PlanField.step(120)
  static let codeZero = PlanField.step(124)
  static let (shifts, factors) = (PlanField.step(168, size: 8), PlanField.step(176, size: 8))
  static let constants = PlanField.step(136, 144, 152, size: 8)
  static let (weights, bias, multiplier) = (constants.each[0], constants.each[1], constants.each[2])
  static let transformed = PlanField.step(160, size: 8)

  /// Of the classifier: weights, biases and multipliers.
  static let linearConstants = PlanField.step(64, 72, 80, size: 8)
  static let averageFactor = PlanField.step(64)
  static let (gate, gateFactor) = (PlanField.step(64), PlanField.step(68))
  static let scaleResidualFactor = PlanField.step(72)
  static let (scaleLow, scaleHigh) = (PlanField.step(76), PlanField.step(80))
  static let slopes = PlanField.step(84)
  static let scaleMultiplier = PlanField.step(88, size: 8)
  static let scaleOffset = PlanField.step(96, size: 8)
  static let scaleSlope = PlanField.step(104, size: 8)

  /// Of a pool of windows.
  static let reduction = PlanField.step(64)
  static let poolKernel = PlanField.step(68, 72)
  static let poolStride = PlanField.step(76, 80)
  static let poolPadding = PlanField.step(84, 88, 92, 96)
}

enum TensorField {
  static let offset = PlanField.tensor(0, size: 8)
  static let size = PlanField.tensor(8, 12)
  static let channels = PlanField.tensor(16)
  static let usedChannels = PlanField.tensor(20)
  static let border = PlanField.tensor(24)
  static let format = PlanField.tensor(28)
  static let scale = PlanField.tensor(32)
  static let zeroPoint = PlanField.tensor(36)
  static let pattern = PlanField.tensor(40)
  static let producer = PlanField.tensor(44)
  static let last = PlanField.tensor(48)
  static let name = PlanField.tensor(52)
  static let lowerBytes = PlanField.tensor(56)
}

/// Codes of algorithms.
enum AlgorithmCode {
  static let direct: UInt64 = 0
  static let winograd2x2: UInt64 = 1
  static let winograd4x4: UInt64 = 3
  static let coded2x2: UInt64 = 4
  static let coded4x4: UInt64 = 5
}
