// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// An int8 layer as kernels read it: weights packed, values of output channels padded to whole blocks.
struct Int8Layer: Sendable {
  let weights: [Int8]
  /// Empty for the classifier, whose bias is float32.
  let bias: [Int32]
  /// ``bias`` for inputs that are 128 less.
  let flippedBias: [Int32]
  let multiplier: [Float]
  /// Of the classifier, not padded.
  let floatBias: [Float]

  init(_ layer: QuantizedLayer, _ layout: WeightLayout) {
    weights = layout.packed(layer.weights)
    bias = padded(layer.bias)
    flippedBias = padded(layer.flippedBias)
    multiplier = padded(layer.multiplier)
    floatBias = layer.floatBias
  }
}

/// All that an int8 layer depends on besides its float32 weights and biases.
struct LayerScales: Equatable {
  /// Of the input; a convolution of the image takes mean and std of the preprocessing instead.
  var input = ActivationScale(low: 0, high: 0)
  var output = ActivationScale(low: 0, high: 0)
  /// If the bias is corrected.
  var means: LayerMeans?
}

extension FloatModel {
  /// Quantizes and packs the weights of an operation that has some to int8, or gives what the last call made of
  /// the same scales.
  func int8Layer(_ index: Int, _ scales: LayerScales) -> Int8Layer {
    let known = int8Layers.withLock { $0[index] }
    if let known, known.scales == scales { return known.layer }
    // Of two threads that miss at the same time, both make the same bytes.
    let layer = makeInt8Layer(index, scales)
    int8Layers.withLock { $0[index] = (scales, layer) }
    return layer
  }

  private func makeInt8Layer(_ index: Int, _ scales: LayerScales) -> Int8Layer {
    let operation = operation(index)
    let layer = operation.kind.layer!
    if case .linear = operation.kind {
      return Int8Layer(
        Quantizer.quantizeClassifier(layer, means: scales.means), program.weightLayout(of: index)!)
    }
    let isImage = operation.input == program.operations[0].output
    let quantized =
      isImage
      ? Quantizer.quantizeStem(
        layer, mean: preprocessing.mean, std: preprocessing.std, output: scales.output,
        means: scales.means)
      : Quantizer.quantize(
        layer, input: scales.input, output: scales.output, means: scales.means)
    return Int8Layer(quantized, program.weightLayout(of: index, group: 4)!)
  }
}
