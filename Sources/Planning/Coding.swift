// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
public import ResNetPlanFormat

/// How a convolution codes its inputs in the domain of a transform.
///
/// V, the transform of a tile's bytes less 128, becomes `round(V * factor / 2^15) + zero`, within 0…255. A tap's
/// step of V is so `2^15 / factor`. All taps but one have the zero 128, since inputs of one value contribute
/// nothing to them.
///
/// Source: Li, Jiang et al., "LoWino", ICPP 2021, for coding in Winograd's domain; He et al., "SFC: Achieve Accurate
/// Fast Convolution under Low-precision Arithmetic", ICML 2024 (arXiv 2407.02913), for the second transform.
public struct Coding: Equatable, Sendable {
  /// ``Arithmetic/Algorithm/coded2x2`` or ``Arithmetic/Algorithm/coded4x4``.
  public var form: Arithmetic.Algorithm
  /// For each tap, row by row; 1…32767.
  public var factors: [Int16]
  /// Of the zero tap; -32000…32000.
  public var zero: Int

  public init(_ form: Arithmetic.Algorithm, factors: [Int16], zero: Int) {
    precondition(form.isCoded && factors.count == form.products, "a factor for each tap")
    precondition(factors.allSatisfy { $0 > 0 } && zero.magnitude <= 32000, "codes in range")
    self.form = form
    self.factors = factors
    self.zero = zero
  }

  /// The step of V of each tap, in steps of the input.
  var steps: [Double] { factors.map { 0x1p15 / Double($0) } }

  /// As the kernels read them: `[row of taps][8]`.
  var factorRows: [Int16] {
    let columns = Int(form.codedShape.columns)
    var rows = [Int16](repeating: 0, count: factors.count / columns * 8)
    for (tap, factor) in factors.enumerated() { rows[tap / columns * 8 + tap % columns] = factor }
    return rows
  }
}

extension Arithmetic.Algorithm {
  /// The forms that code their inputs.
  package static let coded: [Arithmetic.Algorithm] = [.coded2x2, .coded4x4]

  /// Tiles and taps of a coded form.
  var codedShape: rn_coded_shape { rn_coded_shape_of(codedForm!) }

  /// The tap that inputs of one value contribute to.
  package var zeroTap: Int {
    Int(codedShape.zero_row * codedShape.columns + codedShape.zero_column)
  }

  /// V of the zero tap where all inputs of a tile are 1.
  package var zeroTapGain: Int {
    let ones = [Int16](repeating: 1, count: 36)
    var transformed = [Int16](repeating: 0, count: products)
    rn_coded_inputs(codedForm!, ones, &transformed)
    return Int(transformed[zeroTap])
  }

  /// The form as people write it.
  public var title: String {
    switch self {
    case .direct: "direct"
    case .winograd2x2, .winograd4x2, .winograd4x4: "F(\(tileHeight)×\(tileWidth))"
    case .coded2x2: "coded F(2×2)"
    case .coded4x4: "coded SFC-4(4×4)"
    }
  }
}
