// SPDX-License-Identifier: Apache-2.0

public import ResNetModelGraph
public import ResNetPlanFormat
import Synchronization

/// Weights of a program in the layout of the float32 kernels, shared by all executors.
///
/// They are the only copy: the program keeps shapes and biases, and ``operation(_:)`` gives an operation
/// its weights back, bit by bit.
///
/// - **Allocates:** 4 bytes for each weight and for the padding of channels to whole blocks of 16; 1 byte for each
///   weight in int8.
public final class FloatModel: @unchecked Sendable {
  /// The network, without weights.
  public let program: Program
  /// What is done to a photo before the network sees it; its crop is the network's image.
  public let preprocessing: PreprocessingRecord
  package let weights: [FloatBuffer?]
  package let biases: [FloatBuffer?]
  /// The int8 form of each layer, as the last plan had it: a search makes many plans that differ in a few layers,
  /// and the others are packed once.
  let int8Layers = Mutex<[Int: (scales: LayerScales, layer: Int8Layer)]>([:])
  /// The coded weights of each layer, as the last plan had them.
  let codedWeights = Mutex<[Int: (input: ActivationScale, coding: Coding, weights: CodedWeights)]>(
    [:])

  /// Packs the weights of a program and lets them go, layer by layer: if the caller gives up the program, no more
  /// than one layer is there twice.
  ///
  /// - Parameters:
  ///   - program: the network.
  ///   - preprocessing: mean and std are those that the network was trained with.
  public init(_ program: consuming Program, preprocessing: PreprocessingRecord) {
    var weights: [FloatBuffer?] = []
    var biases: [FloatBuffer?] = []
    for index in program.operations.indices {
      let values = program.takeWeights(of: index)
      let layout = program.weightLayout(of: index)
      weights.append(layout.map { FloatBuffer($0.packed(values)) })
      biases.append(
        program.operations[index].kind.layer.map { FloatBuffer(padded($0.bias)) })
    }
    self.program = program
    self.preprocessing = preprocessing
    self.weights = weights
    self.biases = biases
  }

  /// Shares the weights of a model whose photos are prepared in another way, to the same size.
  package init(_ other: FloatModel, preprocessing: PreprocessingRecord) {
    precondition(
      preprocessing.crop.height == other.program.inputHeight
        && preprocessing.crop.width == other.program.inputWidth, "the same image size")
    (program, weights, biases) = (other.program, other.weights, other.biases)
    self.preprocessing = preprocessing
  }

  /// An operation of the program with its weights.
  ///
  /// - **Allocates:** 4 bytes for each weight of the operation.
  package func operation(_ index: Int) -> Program.Operation {
    var operation = program.operations[index]
    guard let packed = weights[index], let layout = program.weightLayout(of: index) else {
      return operation
    }
    operation.kind.layer?.weights = layout.unpacked(
      UnsafeBufferPointer(start: packed.start, count: packed.count))
    return operation
  }
}

extension FloatBuffer {
  fileprivate convenience init(_ values: [Float]) {
    self.init(count: values.count)
    values.withUnsafeBufferPointer { start.update(from: $0.baseAddress!, count: $0.count) }
  }
}

extension PreprocessingRecord {
  /// The preprocessing of networks trained on ImageNet as torchvision does.
  ///
  /// - Parameters:
  ///   - crop: height and width of the network's image in pixels.
  ///   - resize: pixels of the photo's shorter side before the crop; by default 8/7 of the crop, 256 for 224.
  public static func imageNet(crop: Int, resize: Int? = nil) -> PreprocessingRecord {
    PreprocessingRecord(resize: resize ?? (crop * 8 + 3) / 7, crop: crop)
  }
}
