// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat

/// The formats of a graph's operations and tensors.
///
/// An int8 tensor can be read and written by operations of all formats, since those with float32 activations
/// convert; a float32 tensor only by them.
struct PlanFormats {
  let operations: [ElementFormat]
  let tensors: [ElementFormat]

  init(_ scheme: QuantizationScheme) {
    let graph = scheme.model.program
    let exceptions = scheme.layers
    // The convolutions of a stem are of one format, since the last one reads what it finds.
    let stem = graph.operations.first { $0.block == "stem" && exceptions[$0.name] != nil }
    func format(_ operation: Program.Operation) -> ElementFormat {
      let name = operation.block == "stem" ? stem?.name : operation.name
      return (name.flatMap { exceptions[$0] } ?? scheme.weights).element
    }
    var canBeFloat = [Bool](repeating: true, count: graph.tensors.count)
    for operation in graph.operations where format(operation) == .q8 {
      // The input makes either, the pool takes what it finds, and a classifier reads float32 features.
      switch operation.kind {
      case .input, .averagePool, .linear: continue
      case .stem, .convolution: break
      }
      canBeFloat[operation.input] = false
      canBeFloat[operation.output] = false
      if let residual = operation.residual { canBeFloat[residual] = false }
    }
    let tensors = canBeFloat.map { $0 ? ElementFormat.f32 : .q8 }
    operations = graph.operations.map { operation in
      switch operation.kind {
      case .input: tensors[operation.output]
      case .averagePool: tensors[operation.input]
      case .stem, .convolution, .linear: format(operation)
      }
    }
    self.tensors = tensors
  }
}

extension WeightFormat {
  /// As a plan stores it.
  var element: ElementFormat {
    switch self {
    case .int8: .q8
    case .float16: .f16
    case .float32: .f32
    }
  }
}
