// SPDX-License-Identifier: Apache-2.0

public import ResNetModelGraph
public import ResNetPlanFormat

/// The precision of a plan.
public enum PlanPrecision: Equatable, Sendable {
  /// float32 weights and activations.
  case float32
  /// fp16 weights, rounded half to even, and float32 activations.
  case float16
  /// int8 weights and uint8 activations with the scale of each tensor of the graph.
  case int8([ActivationScale])

  var format: ElementFormat {
    switch self {
    case .float32: .f32
    case .float16: .f16
    case .int8: .q8
    }
  }
}

/// Why no plan was made.
public enum PlanningError: Error, Equatable, CustomStringConvertible {
  /// The number of class names is not that of the logits.
  case classCount(expected: Int, found: Int)
  /// A class name holds a zero byte or a line break.
  case className(index: Int)
  /// A weight of a layer is beyond the greatest fp16 number, 65504.
  case halfOverflow(layer: String, found: Float)
  /// The network breaks a limit of the plan format.
  case limit(String)

  public var description: String {
    switch self {
    case .classCount(let expected, let found):
      "expected \(expected) class names, as many as the network has outputs, found \(found)"
    case .className(let index):
      "class name \(index) holds a zero byte or a line break"
    case .halfOverflow(let layer, let found):
      "\(layer).weight: expected weights of at most 65504 in fp16, found \(found) after folding"
    case .limit(let reason): "the network does not fit a plan: \(reason)"
    }
  }
}

/// Makes plan files of fused graphs.
public enum Planner {
  /// Packs weights, places tensors and writes all of it as a plan file.
  ///
  /// The same arguments give the same bytes. The result has passed the checks that a session
  /// makes when it loads a plan.
  ///
  /// - Parameters:
  ///   - graph: the network; its image size is the crop of the preprocessing.
  ///   - precision: of weights and activations.
  ///   - preprocessing: the preprocessing.
  ///   - classNames: one name for each logit, or none.
  ///   - provenance: lines of `key: value`.
  ///   - targets: the levels for which int8 layers have transformed weights where they pay, and whose costs
  ///     decide the Winograd forms of fp16 layers; for fp16 all if there are none.
  ///   - exceptions: formats of layers, by name, whose weights are of another format than the plan's: fp16 or
  ///     float32. Tensors that only such layers read and write are float32 as well.
  ///   - transformed: where the transformed weights of fp16 layers are.
  ///   - transformedLimit: by how many bytes they may exceed the weights that they replace; by 5/4 of all fp16
  ///     weights if nil, with which a ResNet18 runs in 60 MB.
  ///   - magnitudes: the greatest magnitude of each tensor in photos, for fp16: convolutions may sum in fp16
  ///     where the CPU can and numbers four times as large leave the sums in range; nil: all sums are float32.
  ///   - channelMeans: of each tensor's channels, for int8: corrects the biases for the rounding of weights.
  ///   - keepsTensors: whether all tensors live to the end, to be looked at: a larger arena, the same
  ///     results.
  public static func plan(
    _ graph: Program, precision: PlanPrecision, preprocessing: PreprocessingRecord,
    classNames: [String],
    provenance: String, targets: [PlanTarget] = [], exceptions: [String: ElementFormat] = [:],
    transformed: TransformedWeights = .made, transformedLimit: Int? = nil,
    magnitudes: [Float]? = nil, channelMeans: [[Double]]? = nil, keepsTensors: Bool = false
  ) throws(PlanningError) -> [UInt8] {
    try build(
      PlanBuilder(
        graph: graph, operation: { graph.operations[$0] }, precision: precision,
        preprocessing: preprocessing,
        targets: targets, exceptions: exceptions, transformed: transformed,
        transformedLimit: transformedLimit, magnitudes: magnitudes, channelMeans: channelMeans,
        keepsTensors: keepsTensors),
      classNames: classNames, provenance: provenance)
  }

  /// The same of weights that are packed already; one operation at a time is unpacked.
  ///
  /// - **Allocates:** twice the bytes of the largest operation's weights, the plan's constants, and while
  ///   they move there the file.
  package static func plan(
    _ model: FloatModel, precision: PlanPrecision, preprocessing: PreprocessingRecord,
    classNames: [String],
    provenance: String, targets: [PlanTarget] = [], exceptions: [String: ElementFormat] = [:],
    transformed: TransformedWeights = .made, transformedLimit: Int? = nil,
    magnitudes: [Float]? = nil, channelMeans: [[Double]]? = nil, keepsTensors: Bool = false
  ) throws(PlanningError) -> [UInt8] {
    try build(
      PlanBuilder(
        graph: model.graph, operation: model.operation, precision: precision,
        preprocessing: preprocessing,
        targets: targets, exceptions: exceptions, transformed: transformed,
        transformedLimit: transformedLimit, magnitudes: magnitudes, channelMeans: channelMeans,
        keepsTensors: keepsTensors),
      classNames: classNames, provenance: provenance)
  }

  private static func build(
    _ builder: consuming PlanBuilder, classNames: [String], provenance: String
  ) throws(PlanningError) -> [UInt8] {
    let outputs = builder.graph.config.outputDimension
    guard classNames.isEmpty || classNames.count == outputs else {
      throw .classCount(expected: outputs, found: classNames.count)
    }
    if let index = classNames.firstIndex(where: { $0.contains { $0 == "\0" || $0.isNewline } }) {
      throw .className(index: index)
    }
    let file = try builder.build(classNames: classNames, provenance: provenance)
    try check(file)
    return file
  }

  private static func check(_ file: [UInt8]) throws(PlanningError) {
    let failure: PlanError? = file.withUnsafeBytes { bytes in
      do throws(PlanError) {
        _ = try PlanView(validating: bytes)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw .limit(failure.description) }
  }
}
