// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetPlanFormat
import ResNetQuantization
import ResNetRuntime

/// What a quantization did, to be kept: as JSON with these names, or as a page.
struct Report: Encodable {
  struct Trial: Encodable {
    var method: String
    var logitsDecibels: Double?
    var sameLabel: Double
  }
  struct Block: Encodable {
    var name: String
    var decibels: Double?
  }
  struct Accuracy: Encodable {
    struct Score: Encodable { var top1, top5: Double }
    var photos: Int
    var float32, int8: Score
    var sameLabel: Double
    var logitsDecibels: Double?
  }
  struct Tensor: Encodable {
    var name: String
    var minimum, maximum: Float
    /// The range of the levels 0…255.
    var low, high: Float
    var scale: Float
    var zeroPoint: Int
    /// How many values are in each of equal parts from minimum to maximum.
    var histogram: [UInt64]
  }
  struct Layer: Encodable {
    var name: String
    /// int8, fp16 or fp32.
    var format: String
    var weights: Int
    var minimum, maximum: Float
    /// Of the output channels' greatest weights, the least and the greatest.
    var leastChannel, greatestChannel: Float
  }
  struct Place: Encodable {
    var name: String
    var offset, bytes, firstStep, lastStep: Int
  }

  var plan: String
  var network: String
  var inputSize: Int
  var fileBytes: Int
  var arenaBytes: Int
  var method: String
  var biasCorrection: Bool
  /// Whether channels were scaled to like ranges before.
  var equalized: Bool
  var photos: String
  var heldOutPhotos: Int
  var trials: [Trial]
  var blocks: [Block]
  var logitsDecibels: Double?
  var logitsCosine: Double
  var sameLabel: Double
  var accuracy: Accuracy?
  var tensors: [Tensor]
  var layers: [Layer]
  var arena: [Place]

  init(plan: String, file: [UInt8], quality: Quality, correctsBias: Bool, isEqualized: Bool) throws
  {
    let model = quality.model
    let graph = model.program
    let choice = quality.choice
    let comparison = quality.comparison
    self.plan = (plan as NSString).lastPathComponent
    network = graph.name
    inputSize = graph.inputSize
    fileBytes = file.count
    method = "\(choice.method)"
    biasCorrection = correctsBias
    equalized = isEqualized
    photos = quality.images
    heldOutPhotos = choice.heldOut.count
    trials = choice.trials.map {
      Trial(
        method: "\($0.method)", logitsDecibels: finite($0.comparison.logits.decibels),
        sameLabel: $0.comparison.agreement)
    }
    blocks = zip(blockOutputs(of: graph), comparison.blocks).map {
      Block(name: $0.name, decibels: finite($1.decibels))
    }
    logitsDecibels = finite(comparison.logits.decibels)
    logitsCosine = comparison.cosine
    sameLabel = comparison.agreement
    accuracy = quality.evaluation.map { result in
      func score(_ score: Comparison.Score) -> Accuracy.Score {
        Accuracy.Score(
          top1: Double(score.first) / Double(result.imageCount),
          top5: Double(score.firstFive) / Double(result.imageCount))
      }
      return Accuracy(
        photos: result.imageCount, float32: score(result.floatScore), int8: score(result.score),
        sameLabel: result.agreement, logitsDecibels: finite(result.logits.decibels))
    }
    tensors = graph.tensors.indices.filter {
      // The image is bytes, features and logits are float32.
      $0 != graph.operations[0].output && $0 != graph.featuresTensor && $0 != graph.logitsTensor
    }.map { tensor in
      let histogram = choice.calibration.histograms[tensor]
      let scale = choice.scales[tensor]
      return Tensor(
        name: graph.tensors[tensor].name, minimum: histogram.minimum, maximum: histogram.maximum,
        low: -scale.scale * Float(scale.zeroPoint),
        high: scale.scale * Float(255 - scale.zeroPoint), scale: scale.scale,
        zeroPoint: scale.zeroPoint, histogram: histogram.counts(parts: 80))
    }
    layers = graph.operations.indices.compactMap { index in
      let operation = model.operation(index)
      let isFloat = choice.floatLayers.contains(operation.name)
      return Report.layer(
        operation, format: "\(isFloat ? choice.floatFormat.name : ElementFormat.q8.name)")
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
  func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return try encoder.encode(self)
  }

  private static func layer(_ operation: Program.Operation, format: String) -> Layer? {
    let (weights, channels): ([Float], Int)
    switch operation.kind {
    case .stem(let convolution), .convolution(let convolution):
      (weights, channels) = (convolution.weights, convolution.outputChannels)
    case .linear(let linear): (weights, channels) = (linear.weights, linear.outputCount)
    case .input, .averagePool: return nil
    }
    let each = weights.count / channels
    let greatest = (0..<channels).map { channel in
      weights[channel * each..<(channel + 1) * each].reduce(0) { max($0, $1.magnitude) }
    }
    return Layer(
      name: operation.name, format: format, weights: weights.count, minimum: weights.min() ?? 0,
      maximum: weights.max() ?? 0, leastChannel: greatest.min() ?? 0,
      greatestChannel: greatest.max() ?? 0)
  }
}

/// A number that JSON can hold.
private func finite(_ number: Double) -> Double? { number.isFinite ? number : nil }
