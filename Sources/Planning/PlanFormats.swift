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
  /// What int8 convolutions and scales write and others add or scale, or the caller reads: they keep what rounding to
  /// bytes takes away.
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
      case .input, .maxPool, .averagePool, .blurPool, .globalAverage, .linear, .sigmoid, .scale:
        continue
      case .stem, .convolution: break
      }
      canBeFloat[operation.input] = false
      canBeFloat[operation.output] = false
      if let residual = operation.residual { canBeFloat[residual] = false }
    }
    // Pools of windows and scales keep the format; a format may pass through several.
    let keepers = program.operations.filter(\.kind.keepsFormat)
    for _ in keepers {
      for operation in keepers {
        let tensors = [operation.input, operation.output] + (operation.residual.map { [$0] } ?? [])
        let all = tensors.allSatisfy { canBeFloat[$0] }
        for tensor in tensors { canBeFloat[tensor] = all }
      }
    }
    let tensors = canBeFloat.map { $0 ? ActivationFormat.float32 : .uint8 }
    operations = program.operations.map { operation in
      let weights = weights(operation)
      return switch operation.kind {
      case .input: Arithmetic(tensors[operation.output])
      case .maxPool, .averagePool, .blurPool, .globalAverage, .scale:
        Arithmetic(tensors[operation.input])
      case .linear: Arithmetic(.float32, weights)
      case .sigmoid: .float32
      case .stem, .convolution: Arithmetic(weights == .int8 ? .uint8 : .float32, weights)
      }
    }
    self.tensors = tensors
    let int8 = zip(program.operations, operations).filter {
      $0.0.kind.adds && $0.1.weights == .int8
    }.map(\.0)
    let written = Set(int8.map(\.output))
    let scaled = int8.filter { $0.kind.keepsFormat }.map(\.input)
    let read = Set(int8.compactMap(\.residual) + scaled + program.outputs.map(\.tensor))
    lowerBytes = program.tensors.indices.map {
      written.contains($0) && read.contains($0) ? .behind : .none
    }
  }
}

extension Program.Kind {
  /// Whether what is written has the format of what is read.
  fileprivate var keepsFormat: Bool {
    switch self {
    case .maxPool, .averagePool, .blurPool, .scale: true
    case .input, .stem, .convolution, .globalAverage, .linear, .sigmoid: false
    }
  }

  /// Whether the operation may add a residual, and write 16 bits of a sum.
  fileprivate var adds: Bool {
    switch self {
    case .convolution, .scale: true
    case .input, .stem, .maxPool, .averagePool, .blurPool, .globalAverage, .linear, .sigmoid: false
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
