// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import Synchronization

/// An int8 layer as kernels read it: weights packed, values of output channels padded to whole blocks.
struct Int8Layer: Sendable {
  var weights: [Int8]
  /// Empty for the classifier, whose bias is float32.
  var bias: [Int32] = []
  /// ``bias`` for inputs that are 128 less.
  var flippedBias: [Int32] = []
  var multiplier: [Float]
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
        return Int8Layer(
          weights: packed(
            quantized.weights, convolution, inputs: program.storedChannels(of: operation.input),
            group: 4, zero: 0),
          bias: padded(quantized.bias, with: 0),
          flippedBias: padded(quantized.flippedBias, with: 0),
          multiplier: padded(quantized.multiplier, with: 0))
      case .linear(let linear):
        let quantized = Quantizer.quantize(linear)
        return Int8Layer(
          weights: packed(quantized.weights, linear, zero: 0),
          multiplier: padded(quantized.multiplier, with: 0))
      case .input, .maxPool, .averagePool, .globalAverage:
        preconditionFailure("only layers with weights have an int8 form")
      }
    }
  }
}
