// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetModelImport
import SwiftProtobuf
import TestPlans

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

/// Writes the ONNX graph of a network, layer by layer.
struct ONNXBuilder {
  private var graph = Onnx_GraphProto()
  private let style: ONNXStyle
  private var count = 0
  private var norms = 0
  /// Names in the graph by those in the network.
  private var values: [String: String] = [:]
  /// Convolutions that wait for the batch norm that is folded into them, by their outputs.
  private var unfolded: [String: (input: String, Network.Convolution)] = [:]

  static func model(_ network: Network, _ style: ONNXStyle = ONNXStyle()) -> Onnx_ModelProto {
    var builder = ONNXBuilder(style: style)
    builder.build(network)
    return .with {
      $0.irVersion = 8
      $0.graph = builder.graph
      $0.opsetImport = [.with { $0.version = style.opset }]
    }
  }

  private init(style: ONNXStyle) { self.style = style }

  private mutating func build(_ network: Network) {
    graph.input = [.with { $0.name = "image" }]
    values[Network.image] = noise("image")
    for layer in network.layers { append(layer) }
    graph.output = [.with { $0.name = noise(values[network.layers.last!.output]!) }]
    if style.listsInitializersAsInputs {
      graph.input += graph.initializer.map { tensor in .with { $0.name = tensor.name } }
    }
  }

  private mutating func append(_ layer: Network.Layer) {
    let x = values[layer.inputs[0]] ?? ""
    switch layer.kind {
    case .convolution(let convolution) where style.norm != .kept:
      unfolded[layer.output] = (x, convolution)
    case .convolution(let convolution):
      let groups = integer("group", Int64(convolution.groups))
      values[layer.output] = noise(self.convolution(x, convolution, [groups]))
    case .batchNorm(let norm):
      if let (input, convolution) = unfolded[layer.inputs[0]] {
        values[layer.output] = self.convolution(input, folded(convolution, norm))
      } else {
        let epsilon = float("epsilon", style.epsilons[norms % style.epsilons.count])
        norms += 1
        let numbers = [norm.gamma, norm.beta, norm.mean, norm.variance].map { constant($0) }
        values[layer.output] = node("BatchNormalization", [x] + numbers, [epsilon])
      }
    case .relu: values[layer.output] = noise(node("Relu", [x]))
    case .clamp(let lower, let upper):
      values[layer.output] = node("Clip", [x], [float("min", lower), float("max", upper)])
    case .add:
      let operands = [x, values[layer.inputs[1]]!]
      values[layer.output] = node(
        "Add", count.isMultiple(of: 2) ? operands : operands.reversed())
    case .prelu(let slopes):
      values[layer.output] = node("PRelu", [x, constant(slopes, shape: [slopes.count, 1, 1])])
    case .sigmoid: values[layer.output] = node("Sigmoid", [x])
    case .multiply:
      let operands = [x, values[layer.inputs[1]]!]
      values[layer.output] = node(
        "Mul", count.isMultiple(of: 2) ? operands : operands.reversed())
    case .blurPool: preconditionFailure("its weights depend on the channels")
    case .maxPool(let pool):
      values[layer.output] = node("MaxPool", [x], window(pool.kernel, pool.stride, pool.padding))
    case .averagePool(let pool):
      values[layer.output] = node(
        "AveragePool", [x],
        window(pool.kernel, pool.stride, pool.padding)
          + [
            integer("ceil_mode", pool.roundsUp ? 1 : 0),
            integer("count_include_pad", pool.countsPadding ? 1 : 0),
          ])
    case .globalAveragePool: values[layer.output] = mean(x)
    case .linear(let linear): values[layer.output] = head(x, linear)
    }
  }

  private mutating func convolution(
    _ x: String, _ layer: Network.Convolution, _ attributes: [Onnx_AttributeProto] = []
  ) -> String {
    let shape = [
      layer.outputChannels, layer.inputChannels / layer.groups, layer.kernel.height,
      layer.kernel.width,
    ]
    return node(
      "Conv",
      [x, constant(layer.weights, shape: shape)] + (layer.bias.map { [constant($0)] } ?? []),
      window(layer.kernel, layer.stride, layer.padding) + attributes)
  }

  private func folded(
    _ layer: Network.Convolution, _ norm: Network.BatchNorm
  ) -> Network.Convolution {
    let perChannel = layer.weights.count / layer.outputChannels
    var result = layer
    result.bias = norm.beta
    for (index, weight) in layer.weights.enumerated() {
      let channel = index / perChannel
      let (gamma, mean, variance) = (
        norm.gamma[channel], norm.mean[channel], norm.variance[channel]
      )
      if style.norm == .foldedInFloat32 {
        let scale = gamma / (variance + Float(norm.epsilon)).squareRoot()
        result.weights[index] = weight * scale
        result.bias?[channel] = norm.beta[channel] - mean * scale
      } else {
        let scale = Double(gamma) / (Double(variance) + norm.epsilon).squareRoot()
        result.weights[index] = Float(Double(weight) * scale)
        result.bias?[channel] = Float(Double(norm.beta[channel]) - Double(mean) * scale)
      }
    }
    return result
  }

  private mutating func mean(_ x: String) -> String {
    switch style.pool {
    case .global: node("GlobalAveragePool", [x])
    case .meanByAttribute: node("ReduceMean", [x], [integers("axes", [2, 3])])
    case .meanByInput: node("ReduceMean", [x, integerConstant([-1, -2])])
    }
  }

  private mutating func head(_ x: String, _ linear: Linear) -> String {
    var y: String
    switch style.flattening {
    case .flatten: y = node("Flatten", [x], [integer("axis", 1)])
    case .constantReshape:
      y = node("Reshape", [x, integerConstant([-1, Int64(linear.inputCount)])])
    case .computedReshape:
      let size = node("Shape", [x])
      let first = node("Gather", [size, integerConstant([0])])
      y = node("Reshape", [x, node("Concat", [first, integerConstant([-1])])])
    case .squeeze: y = node("Squeeze", [x, integerConstant([2, 3])])
    }
    if style.hasNoise { y = node("Dropout", [y]) }
    let (rows, columns) = (linear.outputCount, linear.inputCount)
    let (weights, bias) = (linear.weights, linear.bias)
    let transposed = (0..<rows * columns).map { weights[$0 % rows * columns + $0 / rows] }
    switch style.head {
    case .gemm:
      let matrix = constant(weights, shape: [rows, columns])
      return node("Gemm", [y, matrix, constant(bias)], [integer("transB", 1)])
    case .gemmOfColumns:
      // Powers of two, so that no bit of the product changes.
      let half = constant(transposed.map { $0 / 2 }, shape: [columns, rows])
      let double = constant(bias.map { $0 * 2 })
      return node("Gemm", [y, half, double], [float("alpha", 2), float("beta", 0.5)])
    case .matrixProduct:
      let matrix = constant(transposed, shape: [columns, rows])
      return node("Add", [constant(bias), node("MatMul", [y, matrix])])
    case .transposedProduct:
      let matrix = constant(weights, shape: [rows, columns])
      let turned = node("Transpose", [matrix], [integers("perm", [1, 0])])
      return node("Add", [node("MatMul", [y, turned]), constant(bias)])
    }
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

  private mutating func constant(_ values: [Float], shape: [Int]? = nil) -> String {
    var proto = Onnx_TensorProto()
    proto.dims = (shape ?? [values.count]).map(Int64.init)
    proto.dataType = style.storage == .raw || style.storage == .fields ? 1 : 10
    switch style.storage {
    case .raw: proto.rawData = Data(StoredType.float32.encode(values))
    case .fields: proto.floatData = values
    case .half: proto.rawData = Data(StoredType.float16.encode(values))
    case .halfFields: proto.int32Data = values.map { Int32(Float16($0).bitPattern) }
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

  private func window(
    _ kernel: Network.Extent, _ stride: Network.Extent, _ padding: Network.Padding
  ) -> [Onnx_AttributeProto] {
    [
      integers("kernel_shape", [kernel.height, kernel.width]),
      integers("strides", [stride.height, stride.width]),
      integers("pads", [padding.top, padding.left, padding.bottom, padding.right]),
      integers("dilations", [1, 1]),
    ]
  }

  private func integer(_ name: String, _ value: Int64) -> Onnx_AttributeProto {
    attribute(name) { $0.i = value }
  }

  private func integers(_ name: String, _ values: [Int]) -> Onnx_AttributeProto {
    attribute(name) { $0.ints = values.map(Int64.init) }
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
func onnxFile(_ network: Network, _ style: ONNXStyle = ONNXStyle()) throws -> [UInt8] {
  try ONNXBuilder.model(network, style).serializedBytes()
}
