// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetModelImport
import SwiftProtobuf

/// The ways in which exporters write the same network.
struct ONNXStyle {
  enum Norm { case kept, folded, foldedInFloat32 }
  enum Pool { case global, meanByAttribute, meanByInput }
  enum Flattening { case flatten, constantReshape, computedReshape, squeeze }
  enum Head { case gemm, gemmOfColumns, matrixProduct, transposedProduct }
  enum Storage { case raw, fields, half, halfFields }

  var norm = Norm.kept
  var pool = Pool.global
  var flattening = Flattening.flatten
  var head = Head.gemm
  var storage = Storage.raw
  /// Identity, Dropout, Cast and Constant nodes wherever they may be.
  var hasNoise = false
  var listsInitializersAsInputs = false
  var opset: Int64 = 17
  /// Of the batch norms in turn.
  var epsilons: [Float] = [1e-5]
}

/// Writes the ONNX graph of a checkpoint with torchvision's names, from the definitions of the network.
struct ONNXBuilder {
  private var graph = Onnx_GraphProto()
  private let checkpoint: Checkpoint
  private let config: ResNetConfig
  private let style: ONNXStyle
  private var count = 0
  private var norms = 0

  static func model(_ checkpoint: Checkpoint, _ config: ResNetConfig, _ style: ONNXStyle)
    -> Onnx_ModelProto
  {
    var builder = ONNXBuilder(checkpoint: checkpoint, config: config, style: style)
    builder.build()
    return .with {
      $0.irVersion = 8
      $0.graph = builder.graph
      $0.opsetImport = [.with { $0.version = style.opset }]
    }
  }

  private init(checkpoint: Checkpoint, config: ResNetConfig, style: ONNXStyle) {
    self.checkpoint = checkpoint
    self.config = config
    self.style = style
  }

  private mutating func build() {
    graph.input = [.with { $0.name = "image" }]
    var x = noise("image")
    let stem = config.stemChannels.count
    for index in 0..<stem {
      let names = names(.stem(index))
      x = convolution(x, names, kernel: stem == 1 ? 7 : 3, stride: index == 0 ? 2 : 1)
      x = noise(node("Relu", [x]))
    }
    x = node("MaxPool", [x], window(kernel: 3, stride: 2, padding: 1))
    for (stage, blocks) in config.blockCounts.enumerated() {
      for block in 0..<blocks {
        x = self.block(x, stage, block, stride: stage > 0 && block == 0 ? 2 : 1)
      }
    }
    head(x)
    if style.listsInitializersAsInputs {
      graph.input += graph.initializer.map { tensor in .with { $0.name = tensor.name } }
    }
  }

  private mutating func block(_ x: String, _ stage: Int, _ block: Int, stride: Int) -> String {
    let kernels = config.block == .basic ? [3, 3] : [1, 3, 1]
    let strided = config.block == .basic || config.bottleneckStride == .first ? 0 : 1
    var y = x
    for (index, kernel) in kernels.enumerated() {
      if index > 0 { y = noise(node("Relu", [y])) }
      y = convolution(
        y, names(.branch(index, block: block, stage: stage)), kernel: kernel,
        stride: index == strided ? stride : 1)
    }
    var shortcut = x
    let names = names(.shortcut(block: block, stage: stage))
    if checkpoint.tensors[names.convolution + ".weight"] != nil {
      let isPooled = config.poolsShortcuts && stride == 2
      if isPooled {
        shortcut = node(
          "AveragePool", [x],
          window(kernel: 2, stride: 2, padding: 0) + [integer("ceil_mode", 1)])
      }
      shortcut = convolution(shortcut, names, kernel: 1, stride: isPooled ? 1 : stride)
    }
    let operands = block.isMultiple(of: 2) ? [y, shortcut] : [shortcut, y]
    return noise(node("Relu", [node("Add", operands)]))
  }

  private func names(_ place: ResNetConfig.Slot.Place) -> CheckpointSchema.Prefixes {
    CheckpointSchema.torchvision.prefixes(
      of: place, stemCount: config.stemChannels.count, isPooled: config.poolsShortcuts)
  }

  private mutating func convolution(
    _ x: String, _ names: CheckpointSchema.Prefixes, kernel: Int, stride: Int
  ) -> String {
    func tensor(_ name: String) -> Tensor { checkpoint.tensors[name]! }
    let weights = tensor(names.convolution + ".weight")
    let norm = ["weight", "bias", "running_mean", "running_var"].map {
      tensor("\(names.norm).\($0)")
    }
    let attributes = window(kernel: kernel, stride: stride, padding: kernel / 2)
    guard style.norm == .kept else {
      let (folded, bias) = fold(weights, norm)
      return node("Conv", [x, constant(folded), constant(bias)], attributes)
    }
    let y = node("Conv", [x, constant(weights)], attributes + [integer("group", 1)])
    let epsilon = float("epsilon", style.epsilons[norms % style.epsilons.count])
    norms += 1
    return node("BatchNormalization", [noise(y)] + norm.map { constant($0) }, [epsilon])
  }

  private func fold(_ weights: Tensor, _ norm: [Tensor]) -> (Tensor, Tensor) {
    let perChannel = weights.values.count / norm[0].values.count
    var folded: [Float] = []
    var bias: [Float] = []
    for channel in norm[0].values.indices {
      let (gamma, beta) = (norm[0].values[channel], norm[1].values[channel])
      let (mean, variance) = (norm[2].values[channel], norm[3].values[channel])
      let row = weights.values[channel * perChannel..<(channel + 1) * perChannel]
      if style.norm == .foldedInFloat32 {
        let scale = gamma / (variance + Float(1e-5)).squareRoot()
        folded += row.map { $0 * scale }
        bias.append(beta - mean * scale)
      } else {
        let scale =
          Double(gamma) / (Double(variance) + Network.BatchNorm.defaultEpsilon).squareRoot()
        folded += row.map { Float(Double($0) * scale) }
        bias.append(Float(Double(beta) - Double(mean) * scale))
      }
    }
    return (
      Tensor(shape: weights.shape, values: folded), Tensor(shape: [bias.count], values: bias)
    )
  }

  private mutating func head(_ x: String) {
    var y: String
    switch style.pool {
    case .global: y = node("GlobalAveragePool", [x])
    case .meanByAttribute: y = node("ReduceMean", [x], [integers("axes", [2, 3])])
    case .meanByInput: y = node("ReduceMean", [x, integerConstant([-1, -2])])
    }
    switch style.flattening {
    case .flatten: y = node("Flatten", [y], [integer("axis", 1)])
    case .constantReshape:
      y = node("Reshape", [y, integerConstant([-1, Int64(config.featureCount)])])
    case .computedReshape:
      let size = node("Shape", [y])
      let first = node("Gather", [size, integerConstant([0])])
      y = node("Reshape", [y, node("Concat", [first, integerConstant([-1])])])
    case .squeeze: y = node("Squeeze", [y, integerConstant([2, 3])])
    }
    if style.hasNoise { y = node("Dropout", [y]) }
    let weights = checkpoint.tensors["fc.weight"]!
    let bias = constant(checkpoint.tensors["fc.bias"]!)
    switch style.head {
    case .gemm: y = node("Gemm", [y, constant(weights), bias], [integer("transB", 1)])
    case .gemmOfColumns:
      // Powers of two, so that no bit of the product changes.
      let half = Tensor(shape: weights.shape, values: weights.values.map { $0 / 2 })
      let double = Tensor(
        shape: [config.outputDimension],
        values: checkpoint.tensors["fc.bias"]!.values.map { $0 * 2 })
      y = node(
        "Gemm", [y, constant(transposed(half)), constant(double)],
        [float("alpha", 2), float("beta", 0.5)])
    case .matrixProduct:
      y = node("Add", [bias, node("MatMul", [y, constant(transposed(weights))])])
    case .transposedProduct:
      let columns = node("Transpose", [constant(weights)], [integers("perm", [1, 0])])
      y = node("Add", [node("MatMul", [y, columns]), bias])
    }
    graph.output = [.with { $0.name = noise(y) }]
  }

  private func transposed(_ matrix: Tensor) -> Tensor {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let values = (0..<rows * columns).map { matrix.values[$0 % rows * columns + $0 / rows] }
    return Tensor(shape: [columns, rows], values: values)
  }

  private mutating func name() -> String {
    count += 1
    return "value \(count)"
  }

  private mutating func node(
    _ operation: String, _ inputs: [String], _ attributes: [Onnx_AttributeProto] = []
  ) -> String {
    let output = name()
    graph.node.append(
      .with {
        $0.opType = operation
        $0.name = "node \(count)"
        $0.input = inputs
        $0.output = [output]
        $0.attribute = attributes
      })
    return output
  }

  /// The value itself, or what a node without effect makes of it.
  private mutating func noise(_ value: String) -> String {
    guard style.hasNoise else { return value }
    return node(["Identity", "Cast", "Dropout"][count % 3], [value])
  }

  private mutating func constant(_ tensor: Tensor) -> String {
    var proto = Onnx_TensorProto()
    proto.dims = tensor.shape.map(Int64.init)
    proto.dataType = style.storage == .raw || style.storage == .fields ? 1 : 10
    switch style.storage {
    case .raw: proto.rawData = Data(StoredType.float32.encode(tensor.values))
    case .fields: proto.floatData = tensor.values
    case .half: proto.rawData = Data(StoredType.float16.encode(tensor.values))
    case .halfFields: proto.int32Data = tensor.values.map { Int32(Float16($0).bitPattern) }
    }
    return add(proto)
  }

  private mutating func integerConstant(_ values: [Int64]) -> String {
    var proto = Onnx_TensorProto()
    proto.dims = [Int64(values.count)]
    proto.dataType = 7
    proto.int64Data = values
    return add(proto)
  }

  /// An initializer, or with noise now and then a Constant node.
  private mutating func add(_ tensor: Onnx_TensorProto) -> String {
    if style.hasNoise, count.isMultiple(of: 2) {
      return node("Constant", [], [attribute("value") { $0.t = tensor }])
    }
    var named = tensor
    named.name = name()
    graph.initializer.append(named)
    return noise(named.name)
  }

  private func window(kernel: Int, stride: Int, padding: Int) -> [Onnx_AttributeProto] {
    [
      integers("kernel_shape", [Int64](repeating: Int64(kernel), count: 2)),
      integers("strides", [Int64](repeating: Int64(stride), count: 2)),
      integers("pads", [Int64](repeating: Int64(padding), count: 4)),
      integers("dilations", [1, 1]),
    ]
  }

  private func integer(_ name: String, _ value: Int64) -> Onnx_AttributeProto {
    attribute(name) { $0.i = value }
  }

  private func integers(_ name: String, _ values: [Int64]) -> Onnx_AttributeProto {
    attribute(name) { $0.ints = values }
  }

  private func float(_ name: String, _ value: Float) -> Onnx_AttributeProto {
    attribute(name) { $0.f = value }
  }
}

/// An attribute whose value is set by `change`.
func attribute(_ name: String, _ change: (inout Onnx_AttributeProto) -> Void)
  -> Onnx_AttributeProto
{
  .with {
    $0.name = name
    change(&$0)
  }
}

/// The file of a network in a style.
func onnxFile(_ checkpoint: Checkpoint, _ config: ResNetConfig, _ style: ONNXStyle = ONNXStyle())
  throws -> [UInt8]
{
  try ONNXBuilder.model(checkpoint, config, style).serializedBytes()
}
