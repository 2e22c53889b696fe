// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat

/// The arithmetic of a program's operations and the formats of its tensors.
///
/// A uint8 tensor can be read and written by operations of all kinds, since those with float32 activations
/// convert; a float32 tensor only by them.
struct PlanFormats {
  /// Of convolutions with direct sums in float32 or int32.
  let operations: [Arithmetic]
  let tensors: [ActivationFormat]
  /// What int8 convolutions write and others add or the caller reads: they keep what rounding to bytes takes away.
  let lowerBytes: [TensorRecord.LowerBytes]

  init(_ scheme: QuantizationScheme) {
    let program = scheme.model.program
    // The convolutions of a stem are of one format, since the last one reads what it finds.
    let stem = program.operations.first { $0.block == "stem" && scheme.layers[$0.name] != nil }
    func weights(_ operation: Program.Operation) -> WeightFormat {
      let name = operation.block == "stem" ? stem?.name : operation.name
      return name.flatMap { scheme.layers[$0] } ?? scheme.weights
    }
    var canBeFloat = [Bool](repeating: true, count: program.tensors.count)
    for operation in program.operations where weights(operation) == .int8 {
      // The input makes either, the pool takes what it finds, and a classifier reads float32 features.
      switch operation.kind {
      case .input, .maxPool, .averagePool, .globalAverage, .linear: continue
      case .stem, .convolution: break
      }
      canBeFloat[operation.input] = false
      canBeFloat[operation.output] = false
      if let residual = operation.residual { canBeFloat[residual] = false }
    }
    // A pool of windows keeps the format; a format may pass through several.
    let pools = program.operations.filter { $0.kind.isWindowPool }
    for _ in pools {
      for operation in pools {
        let both = canBeFloat[operation.input] && canBeFloat[operation.output]
        (canBeFloat[operation.input], canBeFloat[operation.output]) = (both, both)
      }
    }
    let tensors = canBeFloat.map { $0 ? ActivationFormat.float32 : .uint8 }
    operations = program.operations.map { operation in
      let weights = weights(operation)
      return switch operation.kind {
      case .input: Arithmetic(tensors[operation.output])
      case .maxPool, .averagePool, .globalAverage: Arithmetic(tensors[operation.input])
      case .linear: Arithmetic(.float32, weights)
      case .stem, .convolution: Arithmetic(weights == .int8 ? .uint8 : .float32, weights)
      }
    }
    self.tensors = tensors
    let int8 = zip(program.operations, operations).filter {
      if case .convolution = $0.0.kind { $0.1.weights == .int8 } else { false }
    }.map(\.0)
    let written = Set(int8.map(\.output))
    let read = Set(int8.compactMap(\.residual) + program.outputs.map(\.tensor))
    lowerBytes = program.tensors.indices.map {
      written.contains($0) && read.contains($0) ? .behind : .none
    }
  }
}

extension Program.Kind {
  fileprivate var isWindowPool: Bool {
    switch self {
    case .maxPool, .averagePool: true
    case .input, .stem, .convolution, .globalAverage, .linear: false
    }
  }
}

extension Arithmetic {
  /// Direct sums over activations of a format; a step without weights counts as one of float32 weights.
  fileprivate init(_ activations: ActivationFormat, _ weights: WeightFormat = .float32) {
    switch activations {
    case .uint8: self = .int8
    case .float32: self.init(.float32, weights, .float32)
    }
  }
}
