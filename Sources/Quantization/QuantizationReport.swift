// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetRuntime

/// What a quantization did, to be kept: as JSON with these names in snake case, or as a page.
public struct QuantizationReport: Encodable, Sendable {
  public struct Trial: Encodable, Sendable {
    public var method: String
    public var logitsDecibels: Double?
    public var sameLabel: Double
  }
  public struct Block: Encodable, Sendable {
    public var name: String
    public var decibels: Double?
  }
  public struct Accuracy: Encodable, Sendable {
    public struct Score: Encodable, Sendable { public var top1, top5: Double }
    public var photos: Int
    public var float32, int8: Score
    public var sameLabel: Double
    public var logitsDecibels: Double?
  }
  public struct Tensor: Encodable, Sendable {
    public var name: String
    public var minimum, maximum: Float
    /// The range of the levels 0…255.
    public var low, high: Float
    public var scale: Float
    public var zeroPoint: Int
    /// How many values are in each of equal parts from minimum to maximum.
    public var histogram: [UInt64]
  }
  public struct Layer: Encodable, Sendable {
    public var name: String
    /// int8, fp16 or fp32.
    public var format: String
    public var weights: Int
    public var minimum, maximum: Float
    /// Of the output channels' greatest weights, the least and the greatest.
    public var leastChannel, greatestChannel: Float
  }
  public struct Coded: Encodable, Sendable {
    public var name: String
    public var form: String
    /// Of the logits, if this layer alone is coded.
    public var logitsDecibels: Double?
    /// The part of its time that the form saves, by counted instructions.
    public var saving: Double
  }
  public struct Place: Encodable, Sendable {
    public var name: String
    public var offset, bytes, firstStep, lastStep: Int
  }

  public struct Preprocessing: Encodable, Sendable {
    public var resizing, normalization: String
    /// Who says so.
    public var origin: String
  }

  public var plan: String
  public var network: String
  /// Of the image, in pixels.
  public var inputHeight, inputWidth: Int
  public var preprocessing: Preprocessing
  public var fileBytes: Int
  public var arenaBytes: Int
  public var method: String
  public var biasCorrection: Bool
  /// Whether channels were scaled to like ranges before.
  public var equalized: Bool
  public var photos: String
  public var heldOutPhotos: Int
  public var trials: [Trial]
  public var blocks: [Block]
  public var logitsDecibels: Double?
  public var logitsCosine: Double
  public var sameLabel: Double
  public var accuracy: Accuracy?
  public var tensors: [Tensor]
  public var layers: [Layer]
  /// The convolutions that code their inputs.
  public var coded: [Coded]
  public var arena: [Place]

  /// - Parameters:
  ///   - quantization: what was done.
  ///   - comparison: its ``Quantization/compareHeldOut()``.
  ///   - evaluation: the comparison on labelled photos, if there are any.
  ///   - plan: the name of the plan's file.
  ///   - file: its bytes.
  ///   - isEqualized: whether the channels of the network were scaled to like ranges before.
  ///   - preprocessingOrigin: who says how photos are prepared.
  /// - Throws: a `PlanError` if the bytes are no plan.
  /// - **Allocates:** the plan once more.
  public init(
    _ quantization: Quantization, _ comparison: Comparison, evaluation: Comparison?, plan: String,
    file: [UInt8], isEqualized: Bool, preprocessingOrigin: String
  ) throws {
    let scheme = quantization.scheme
    let model = scheme.model
    let program = model.program
    self.plan = plan
    network = program.name
    (inputHeight, inputWidth) = (program.inputHeight, program.inputWidth)
    let words = model.preprocessing.words
    preprocessing = Preprocessing(
      resizing: words.resizing, normalization: words.normalization, origin: preprocessingOrigin)
    fileBytes = file.count
    method = "\(quantization.method)"
    biasCorrection = !scheme.channelMeans.isEmpty
    equalized = isEqualized
    photos = quantization.source
    heldOutPhotos = quantization.heldOutCount
    trials = quantization.trials.map {
      Trial(
        method: "\($0.method)", logitsDecibels: finite($0.comparison.logits.decibels),
        sameLabel: $0.comparison.agreement)
    }
    blocks = zip(program.blockOutputs, comparison.blocks).map {
      Block(name: $0.name, decibels: finite($1.decibels))
    }
    logitsDecibels = finite(comparison.logits.decibels)
    logitsCosine = comparison.cosine
    sameLabel = comparison.agreement
    accuracy = evaluation.map { result in
      func score(_ score: Comparison.Score) -> Accuracy.Score {
        Accuracy.Score(
          top1: Double(score.first) / Double(result.imageCount),
          top5: Double(score.firstFive) / Double(result.imageCount))
      }
      return Accuracy(
        photos: result.imageCount, float32: score(result.floatScore), int8: score(result.score),
        sameLabel: result.agreement, logitsDecibels: finite(result.logits.decibels))
    }
    // The image is bytes, outputs are float32.
    let others = [program.operations[0].output] + program.outputs.map(\.tensor)
    tensors = program.tensors.indices.filter { !others.contains($0) }.map { tensor in
      let histogram = quantization.calibration.histograms[tensor]
      let scale = scheme.activations[tensor]
      return Tensor(
        name: program.tensors[tensor].name, minimum: histogram.minimum, maximum: histogram.maximum,
        low: -scale.scale * Float(scale.zeroPoint),
        high: scale.scale * Float(255 - scale.zeroPoint), scale: scale.scale,
        zeroPoint: scale.zeroPoint, histogram: histogram.counts(parts: 80))
    }
    layers = program.operations.indices.compactMap { index in
      model.operation(index).kind.layer.map { layer in
        Layer(layer, format: scheme.layers[layer.name] ?? scheme.weights)
      }
    }
    coded = quantization.codedLayers.map {
      Coded(
        name: $0.name, form: $0.form.title, logitsDecibels: finite($0.decibels), saving: $0.saving)
    }
    let memory = PlanBytes(file)
    let loaded = try Plan(unownedBytes: memory.bytes)
    arenaBytes = loaded.view.arenaByteCount
    arena = (0..<loaded.view.tensorCount).map { index in
      let tensor = loaded.view.tensor(index)
      return Place(
        name: String(cString: loaded.view.name(tensor.name)), offset: tensor.offset,
        bytes: tensor.storageByteCount, firstStep: tensor.firstStep, lastStep: tensor.lastStep)
    }
  }

  /// The report as JSON.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return try encoder.encode(self)
  }
}

extension QuantizationReport.Layer {
  fileprivate init(_ layer: Convolution, format: WeightFormat) {
    let weights = layer.weights
    let each = weights.count / layer.outputChannels
    let greatest = (0..<layer.outputChannels).map { channel in
      weights[channel * each..<(channel + 1) * each].reduce(0) { max($0, $1.magnitude) }
    }
    self.init(
      name: layer.name, format: "\(format.name)", weights: weights.count,
      minimum: weights.min() ?? 0, maximum: weights.max() ?? 0,
      leastChannel: greatest.min() ?? 0, greatestChannel: greatest.max() ?? 0)
  }
}

/// A number that JSON can hold.
private func finite(_ number: Double) -> Double? { number.isFinite ? number : nil }
