// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import Synchronization

/// An int8 layer as kernels read it: weights packed, values of output channels padded to whole blocks.
struct Int8Layer: Sendable {
  let weights: [Int8]
  /// Empty for the classifier, whose bias is float32.
  let bias: [Int32]
  /// ``bias`` for inputs that are 128 less.
  let flippedBias: [Int32]
  let multiplier: [Float]

  init(_ layer: QuantizedLayer, _ layout: WeightLayout) {
    weights = layout.packed(layer.weights, zero: 0)
    bias = padded(layer.bias, with: 0)
    flippedBias = padded(layer.flippedBias, with: 0)
    multiplier = padded(layer.multiplier, with: 0)
  }
}

/// All that an int8 layer depends on besides its float32 weights and biases.
struct LayerScales: Equatable {
  /// Of the input; a convolution of the image takes mean and std of the preprocessing instead.
  var input = ActivationScale(low: 0, high: 0)
  var output = ActivationScale(low: 0, high: 0)
  /// Means of the input's channels, if the bias is corrected.
  var means: [Double]?
}

/// The int8 layers of a model that were made last, one for each operation.
///
/// A search makes many plans that differ in a few layers: the others are packed once.
///
/// - **Allocates:** 1 byte for each weight.
final class Int8LayerCache: Sendable {
  private let layers = Mutex<[Int: (scales: LayerScales, layer: Int8Layer)]>([:])

  /// The layer of an operation with these scales; made by `make` if the last one had others.
  func layer(_ operation: Int, _ scales: LayerScales, make: () -> Int8Layer) -> Int8Layer {
    let known = layers.withLock { $0[operation] }
    if let known, known.scales == scales { return known.layer }
    // Of two threads that miss at the same time, both make the same bytes.
    let layer = make()
    layers.withLock { $0[operation] = (scales, layer) }
    return layer
  }
}

extension FloatModel {
  /// Quantizes and packs the weights of an operation to int8, or gives what the last call made of the same
  /// scales.
  func int8Layer(_ index: Int, _ scales: LayerScales) -> Int8Layer {
    int8Layers.layer(index, scales) {
      let operation = operation(index)
      switch operation.kind {
      case .stem(let convolution), .convolution(let convolution):
        let isImage = operation.input == program.operations[0].output
        let quantized =
          isImage
          ? Quantizer.quantizeStem(
            convolution, mean: preprocessing.mean, std: preprocessing.std, output: scales.output,
            means: scales.means)
          : Quantizer.quantize(
            convolution, input: scales.input, output: scales.output, means: scales.means)
        let inputs = program.storedChannels(of: operation.input)
        return Int8Layer(quantized, WeightLayout(convolution, storedInputs: inputs, group: 4))
      case .linear(let linear):
        return Int8Layer(Quantizer.quantize(linear), WeightLayout(linear))
      case .input, .maxPool, .averagePool, .globalAverage:
        preconditionFailure("only layers with weights have an int8 form")
      }
    }
  }
}
