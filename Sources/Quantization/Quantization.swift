// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
public import ResNetPlanFormat
public import ResNetPlanning

/// A model quantized to int8 by what images tell about its activations.
public struct Quantization: Sendable {
  /// A method that was tried, and how far its plan was from float32 on the held-out images.
  public struct Trial: Sendable {
    public let method: CalibrationMethod
    public let comparison: Comparison
  }

  /// How the numbers are stored: what to make a plan of.
  public var scheme: QuantizationScheme
  /// The distributions that the ranges were chosen from.
  public let calibration: Calibration
  /// How they were chosen.
  public let method: CalibrationMethod
  /// The methods that were tried to find the best; empty if one was asked for.
  public let trials: [Trial]
  /// What the images were.
  public let source: String

  /// The images that took no part in the choice of ranges; all if they are too few to part.
  let heldOut: ModelImages
  /// Their main outputs in float32: the logits, of a classifier. Nil where they are too large to keep.
  let references: [[Float]]?
  /// Some of all images, to look at the quantized network with.
  package let sample: ModelImages
  /// What ``codeConvolutions(keeping:drop:)`` chose, in the order of the network.
  public internal(set) var codedLayers: [CodedLayer] = []
  let threads: Int
  let progress: QuantizationProgress

  /// How many images tell how good the choice is.
  public var heldOutCount: Int { heldOut.count }

  /// The layers that ``limitDrop(to:on:keepingIn:)`` keeps out of int8, in the order of the network.
  public var floatLayers: [String] {
    scheme.model.program.operations.map(\.name).filter { scheme.layers[$0] != nil }
  }

  /// The format of their weights; nil if all layers are int8.
  public var floatFormat: WeightFormat? { scheme.layers.values.first }

  /// The names of the blocks that ``compareHeldOut()`` compares, in order.
  public var blockNames: [String] { scheme.model.program.blockOutputs.map(\.name) }

  /// The names of the outputs that ``compareHeldOut()`` compares, in order.
  public var outputNames: [String] { scheme.model.program.outputs.map(\.name) }

  /// Observes images in float32 and chooses the range of every activation.
  ///
  /// Without a method all are tried: three of four images are observed, the others tell how far each
  /// method's plan is from float32, and the method with the least noise of the logits takes the ranges
  /// from all images. Of fewer than 8 images none can be spared, and all do both.
  ///
  /// The result does not depend on the number of threads, nor, but for the moving average, on the order of
  /// images.
  ///
  /// - Parameters:
  ///   - model: the network with its weights.
  ///   - images: at least one.
  ///   - method: how ranges are chosen; nil for the best of ``CalibrationMethod/allCases``.
  ///   - correctsBias: whether biases take up what quantization changes of the outputs' means, layer by layer.
  ///   - threads: how many images are in work at a time.
  ///   - progress: told of each stage.
  /// - Throws: an error of `images`, or a ``QuantizationError`` for activations that are not finite.
  /// - **Allocates:** as a ``Calibration`` and a ``Comparison`` do; 1 byte for each weight, 24 MB of pixels.
  public init(
    of model: FloatModel, on images: some ImageSource, method: CalibrationMethod? = nil,
    correctsBias: Bool = true, threads: Int,
    progress: @escaping QuantizationProgress = { _, _, _ in }
  ) throws {
    func observe(_ images: ModelImages, _ stage: String) throws -> Calibration {
      try Calibration(
        observing: model, on: images, threads: threads, stage: stage, progress: progress)
    }
    func scheme(_ calibration: Calibration, _ method: CalibrationMethod) -> QuantizationScheme {
      var scheme = QuantizationScheme(
        model, activations: calibration.scales(of: model.program, method: method))
      if correctsBias { scheme.channelMeans = calibration.channelMeans }
      return scheme
    }
    let all = Array(0..<images.count)
    // Of fewer than 8, none can be spared.
    let isParted = method == nil && all.count >= 8
    let held = ModelImages(images, isParted ? all.filter { $0 % 4 == 3 } : all, for: model)
    let rest = ModelImages(images, all.filter { $0 % 4 != 3 }, for: model, isReused: false)
    let observed = try isParted ? observe(rest, "calibrating") : nil
    let tested = try observe(
      held, isParted ? "calibrating the held-out images" : "calibrating")
    // One after the other: a plan and its sessions take as much memory as a checkpoint.
    trials = try (method == nil ? CalibrationMethod.allCases : []).map { method in
      let comparison = try Comparison.compare(
        scheme(observed ?? tested, method), on: held,
        references: model.program.keepsMainOutput ? tested.logits : nil, threads: threads,
        stage: "trying \(method)", progress: progress)
      return Trial(method: method, comparison: comparison)
    }
    // Of equal ones the first.
    let best = trials.min { $0.comparison.logits.noise < $1.comparison.logits.noise }
    self.method = method ?? best!.method
    calibration = observed.map { Calibration(merging: $0, tested) } ?? tested
    (heldOut, references) = (held, model.program.keepsMainOutput ? tested.logits : nil)
    self.scheme = scheme(calibration, self.method)
    // Of the quantized network, few images are enough.
    let few = min(all.count, 32)
    sample = ModelImages(images, (0..<few).map { $0 * all.count / few }, for: model)
    if correctsBias {
      try self.scheme.measureMeans(on: sample, threads: threads, progress: progress)
    }
    source = images.description
    self.threads = threads
    self.progress = progress
  }

  /// Compares each block and the logits with float32 on the held-out images.
  public func compareHeldOut() throws -> Comparison {
    try Comparison.compare(
      scheme, on: heldOut, comparesBlocks: true, threads: threads, stage: "comparing with float32",
      progress: progress)
  }

  /// Compares with float32 on images with labels.
  public func evaluate(on images: some ImageSource) throws -> Comparison {
    try Comparison(of: scheme, on: images, threads: threads, progress: progress)
  }
}

extension Calibration {
  /// The distributions of a model's activations over images.
  public init(
    observing model: FloatModel, on images: some ImageSource, threads: Int,
    progress: QuantizationProgress = { _, _, _ in }
  ) throws {
    try self.init(
      observing: model, on: ModelImages(images, for: model, isReused: false), threads: threads,
      stage: "finding ranges", progress: progress)
  }

  init(
    observing model: FloatModel, on images: ModelImages, threads: Int, stage: String,
    progress: QuantizationProgress
  ) throws {
    progress(stage, 0, images.count)
    try self.init(
      observing: model, imageCount: images.count, threads: threads,
      image: { try images.pixels($0) }, progress: { progress(stage, $0, images.count) })
  }
}
