// SPDX-License-Identifier: Apache-2.0

package import ResNetPlanFormat

extension Arithmetic.Algorithm {
  /// What an int8 convolution costs where there is an 8-bit dot product: instructions of a Cortex-A76.
  ///
  /// Counted on the convolutions of a ResNet18: an SDOT, 16 products, comes with 0.22 to 0.24 other instructions;
  /// both transforms and their loads, stores and coding take a number for each tile and channel. With AVX-VNNI and
  /// AVX-512 VNNI the times of forms are in like proportions. A byte of weights, which every inference reads
  /// anew, is worth 1.5: on four cores of a Raspberry Pi 5, memory gives a byte in the time of 2 to 3, partly
  /// beside the work.
  func codedCost(_ shape: WinogradShape) -> Double {
    let weights = Double(products * shape.inputs * shape.outputs)
    guard isCoded else {
      return weights * Double(shape.height * shape.width) / 16 * 1.22 + 1.5 * weights
    }
    let tiles = Double(tiles(shape))
    let transforms = self == .coded2x2 ? 21.5 : 69.0
    return weights * tiles / 16 * 1.24 + tiles * transforms * Double(shape.inputs + shape.outputs)
      + 1.5 * weights
  }
}

/// A convolution that may code its inputs, and the forms that save time.
package struct CodedCandidate: Sendable {
  package let operation: Int
  package let shape: WinogradShape
  /// The part of direct sums' cost that each form saves, the largest first.
  package let savings: [(form: Arithmetic.Algorithm, part: Double)]

  /// What is saved less would not be seen in a whole network, but its noise would.
  private static let leastSaving = 0.1

  init?(_ operation: Int, _ shape: WinogradShape) {
    (self.operation, self.shape) = (operation, shape)
    let direct = Arithmetic.Algorithm.direct.codedCost(shape)
    savings = Arithmetic.Algorithm.coded.map { ($0, 1 - $0.codedCost(shape) / direct) }
      .filter { $0.1 >= Self.leastSaving }.sorted { $0.1 > $1.1 }
    if savings.isEmpty { return nil }
  }

  /// What direct sums cost.
  package var directCost: Double { Arithmetic.Algorithm.direct.codedCost(shape) }
}

extension QuantizationScheme {
  /// The int8 convolutions with a coded form that saves time.
  package var codedCandidates: [CodedCandidate] {
    model.program.operations.indices.compactMap { index in
      let format = layers[model.program.operations[index].name] ?? weights
      guard format == .int8, let shape = model.program.winogradShape(index) else { return nil }
      return CodedCandidate(index, shape)
    }
  }
}
