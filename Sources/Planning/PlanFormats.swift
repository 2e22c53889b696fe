// SPDX-License-Identifier: Apache-2.0

import ModelGraph
import PlanFormat

/// The formats of a graph's operations and tensors.
///
/// An int8 tensor can be read and written by operations of both formats, since float32 ones convert; a
/// float32 tensor only by float32 ones.
struct PlanFormats {
  let operations: [ElementFormat]
  let tensors: [ElementFormat]

  init(_ graph: FusedGraph, _ precision: PlanPrecision, floatLayers: Set<String>) {
    // The convolutions of a stem are of one format, since the last one reads what it finds.
    let stemIsFloat = graph.operations.contains {
      $0.block == "stem" && floatLayers.contains($0.name)
    }
    func isFloat(_ operation: FusedGraph.Operation) -> Bool {
      precision == .float32 || floatLayers.contains(operation.name)
        || stemIsFloat && operation.block == "stem"
    }
    var canBeFloat = [Bool](repeating: true, count: graph.tensors.count)
    for operation in graph.operations where !isFloat(operation) {
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
      case .stem, .convolution, .linear: isFloat(operation) ? .f32 : .q8
      }
    }
    self.tensors = tensors
  }
}
