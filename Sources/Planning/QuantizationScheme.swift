// SPDX-License-Identifier: Apache-2.0

public import ResNetPlanFormat

/// How the numbers of one model are stored: what a plan is made of.
///
/// A scheme belongs to the model that it was made for, so that its scales and means cannot meet the
/// tensors of another.
public struct QuantizationScheme: Sendable {
  /// The network and its float32 weights.
  public let model: FloatModel

  /// The weights of the layers that ``layers`` does not name. Layers with int8 weights compute on uint8
  /// activations, the others on float32.
  public var weights: WeightFormat

  /// The weights of single layers, by their names. A tensor is float32 if no layer on either side of it is
  /// int8.
  public var layers: [String: WeightFormat] = [:]

  /// How single int8 convolutions code their inputs, by the layers' names; the others have direct sums. They are 3×3
  /// with stride 1.
  public var codings: [String: Coding] = [:]

  /// The scale of each tensor of the program; empty if no layer is int8.
  public var activations: [ActivationScale] = []

  /// The mean of each channel of each tensor, by which the biases of int8 layers take up what rounding the
  /// weights changes; empty if they are to stay as they are.
  public var channelMeans: [[Double]] = []

  /// The mean of each channel of each tensor in the quantized network. Biases of int8 layers then also take up by
  /// how much it differs from ``channelMeans``; empty if it is not known.
  public var quantizedMeans: [[Double]] = []

  /// The greatest magnitude of each tensor in photos; empty if no layer accumulates in fp16. Layers with fp16
  /// weights may then accumulate in fp16 where the CPU can and values four times as large stay in range.
  public var magnitudes: [Float] = []

  /// A scheme with one format of floating-point weights.
  public init(_ model: FloatModel, weights: WeightFormat) {
    precondition(weights != .int8, "int8 weights need the scales of activations")
    self.model = model
    self.weights = weights
  }

  /// A scheme of int8 weights and uint8 activations.
  ///
  /// - Parameter activations: a scale for each tensor of the program.
  public init(_ model: FloatModel, activations: [ActivationScale]) {
    precondition(activations.count == model.program.tensors.count, "a scale for each tensor")
    self.model = model
    weights = .int8
    self.activations = activations
  }
}
