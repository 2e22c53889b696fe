// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetModelGraph
import ResNetPlanFormat

// Layers with fp16 or float32 weights.
extension PlanBuilder {
  /// Rounds weights to fp16, half to even; denormals are kept.
  func halves(_ layer: Convolution) throws(PlanningError) -> [UInt16] {
    try layer.weights.map { (weight) throws(PlanningError) in
      let half = Float16(weight)
      guard half.isFinite else { throw .halfOverflow(layer: layer.name, found: weight) }
      return half.bitPattern
    }
  }

  /// What decides between Winograd forms. With fp16 sums it is their cost, which few layers do without, and else
  /// that of the levels with kernels of their own: sse42 has the reference.
  private var floatCosts: [ConvolutionCost] {
    guard options.targets.isEmpty else { return options.targets.map(\.floatCost) }
    guard scheme.magnitudes.isEmpty else { return [.halfSums] }
    return [PlanTarget.avx2, .avx512vnni, .neon].map(\.floatCost)
  }

  /// Chooses the Winograd forms of the layers that can have one: 3×3 with stride 1 of whole blocks of channels.
  func chooseFloatForms() -> [Int: Arithmetic.Algorithm] {
    guard options.winograd != .off else { return [:] }
    var indices: [Int] = []
    var candidates: [FloatWinogradCandidate] = []
    var byteCount = 0
    for index in graph.operations.indices {
      let weights = formats.operations[index].weights
      guard weights != .int8, let layer = scheme.model.operation(index).kind.layer
      else { continue }
      byteCount += weights.byteCount * layer.weights.count
      guard let shape = graph.winogradShape(index), shape.inputs % PlanLayout.channelBlock == 0
      else { continue }
      indices.append(index)
      candidates.append(
        FloatWinogradCandidate(
          shape: shape, weights: weights,
          greatestWeight: layer.weights.reduce(0) { max($0, $1.magnitude) }))
    }
    let forms = ResNetPlanning.chooseFloatForms(
      candidates, byteLimit: options.winogradByteLimit ?? byteCount * 5 / 4, costs: floatCosts)
    return Dictionary(uniqueKeysWithValues: zip(indices, forms))
  }

  /// Appends packed weights, or what a Winograd form makes of them.
  mutating func append<Weight: AdditiveArithmetic & BitwiseCopyable>(
    _ weights: [Weight], to record: inout ConvolutionRecord, _ index: Int, _ arithmetic: Arithmetic,
    _ transform: FloatTransform<Weight>
  ) {
    guard arithmetic.algorithm != .direct, let shape = graph.winogradShape(index) else {
      record.weights = sections.append(weights)
      return
    }
    if options.winograd == .atLoad {
      loadTimeSources.append { $0.append(weights) }
      record.transformedPlace = .madeAtLoad
      record.transformed = header.loadTimeByteCount
      header.loadTimeByteCount += PlanLayout.aligned(
        arithmetic.transformedByteCount(inputs: shape.inputs, outputs: shape.outputs))
    } else {
      record.transformed = sections.append(
        arithmetic.algorithm.transformed(weights, shape, transform))
    }
  }

  /// Whether the sums of a convolution stay in the range that the kernels state, by its algorithm, with
  /// inputs up to four times as large as those of the photos.
  func canSumInHalves(
    _ convolution: Convolution, of input: Int, _ algorithm: Arithmetic.Algorithm
  ) -> Bool {
    guard !scheme.magnitudes.isEmpty else { return false }
    let greatest = 4 * Double(scheme.magnitudes[input])
    let taps = UInt32(convolution.kernelSize * convolution.kernelSize)
    let outputs = UInt32(convolution.outputChannels)
    let inputs = UInt32(convolution.inputChannels)
    guard algorithm != .direct else {
      return rn_conv_f16acc16_is_in_range(convolution.weights, outputs, inputs, taps, greatest) != 0
    }
    return rn_winograd_f16acc16_is_in_range(
      algorithm.tile.height, algorithm.tile.width, convolution.weights, outputs, inputs, greatest)
      != 0
  }
}
