// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetModelGraph
import ResNetPlanFormat

// Layers with fp16 weights.
extension PlanBuilder {
  /// Rounds weights to fp16, half to even; denormals are kept.
  func halves(_ weights: [Float], _ layer: String) throws(PlanningError) -> [UInt16] {
    var result: [UInt16] = []
    result.reserveCapacity(weights.count)
    for weight in weights {
      let half = Float16(weight)
      guard half.isFinite else { throw .halfOverflow(layer: layer, found: weight) }
      result.append(half.bitPattern)
    }
    return result
  }

  /// What decides between Winograd forms. With fp16 sums it is their cost, which few layers do without, and else
  /// that of the levels with kernels of their own: sse42 has the reference.
  private var halfCosts: [ConvolutionCost] {
    guard options.targets.isEmpty else { return options.targets.map(\.halfCost) }
    guard scheme.magnitudes.isEmpty else { return [.halfSums] }
    return [PlanTarget.avx2, .avx512vnni, .neon].map(\.halfCost)
  }

  /// Chooses the Winograd forms of the layers that can have one: 3×3 with stride 1 of whole blocks of channels.
  func chooseHalfForms() -> [Int: Arithmetic.Algorithm] {
    guard options.winograd != .off else { return [:] }
    var indices: [Int] = []
    var candidates: [HalfWinogradCandidate] = []
    var halfWeights = 0
    for index in graph.operations.indices
    where formats.operations[index].weights == .float16 {
      let operation = scheme.model.operation(index)
      switch operation.kind {
      case .convolution(let convolution):
        halfWeights += convolution.weights.count
        let inputs = graph.storedChannels(of: operation.input)
        guard convolution.kernelSize == 3, convolution.stride == 1,
          inputs % PlanLayout.channelBlock == 0
        else { continue }
        let output = graph.tensors[operation.output]
        indices.append(index)
        candidates.append(
          HalfWinogradCandidate(
            shape: WinogradShape(
              height: output.height, width: output.width,
              inputs: inputs, outputs: paddedChannels(output.channels)),
            greatestWeight: convolution.weights.reduce(0) { max($0, $1.magnitude) }))
      case .stem(let convolution): halfWeights += convolution.weights.count
      case .linear(let linear): halfWeights += linear.weights.count
      case .input, .maxPool, .averagePool, .globalAverage: break
      }
    }
    let forms = ResNetPlanning.chooseHalfForms(
      candidates, byteLimit: options.winogradByteLimit ?? 2 * halfWeights * 5 / 4,
      costs: halfCosts)
    return Dictionary(uniqueKeysWithValues: zip(indices, forms))
  }

  /// Appends packed weights, or what a Winograd form makes of them.
  mutating func append(
    _ weights: [UInt16], to record: inout ConvolutionRecord, _ algorithm: Arithmetic.Algorithm,
    inputs: Int, outputs: Int
  ) {
    guard algorithm != .direct else {
      record.weights = sections.append(weights)
      return
    }
    record.levels = .all
    if options.winograd == .atLoad {
      loadTimeSources.append(weights)
      record.transformedPlace = .madeAtLoad
      record.transformed = header.loadTimeByteCount
      header.loadTimeByteCount += PlanLayout.aligned(
        algorithm.transformedByteCount(inputs: inputs, outputs: outputs))
    } else {
      record.transformed = sections.append(
        algorithm.transformed(weights, inputs: inputs, outputs: outputs))
    }
  }
}

extension Arithmetic.Algorithm {
  /// Packed fp16 weights as the Winograd kernels read them.
  fileprivate func transformed(_ weights: [UInt16], inputs: Int, outputs: Int) -> [UInt16] {
    var result = [UInt16](repeating: 0, count: positions * inputs * outputs)
    rn_winograd_f16_weights(
      tile.height, tile.width, weights, UInt32(outputs / PlanLayout.channelBlock),
      UInt32(inputs), &result)
    return result
  }
}
