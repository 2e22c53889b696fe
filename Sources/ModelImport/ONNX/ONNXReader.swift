// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import SwiftProtobuf

/// A model of the Open Neural Network Exchange, as PyTorch's exporters write it: a graph, which becomes a network
/// node by node.
///
/// A ResNet gets torchvision's names, whatever the file calls its layers.
/// Source: https://onnx.ai/onnx/repo-docs/IR.html and the operator reference there.
enum ONNXModel: ModelReader {
  static let format = "ONNX model"

  /// The opsets in which the operations of a network mean what is assumed here.
  private static let opsets: ClosedRange<Int64> = 7...28

  static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
    // A protocol buffer whose field 1 is a small integer, the format's version, followed
    // by one of the fields 2…8: strings and messages (wire type 2) or a model version (field 5).
    bytes.count >= 3 && bytes[0] == 0x08 && (1...32).contains(bytes[1])
      && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].contains(bytes[2])
  }

  static func read(_ bytes: UnsafeRawBufferPointer, _ options: ImportOptions) throws(ImportError)
    -> Network
  {
    let externalData = options.path.map { ONNXExternalData(of: $0) }
    var reader = ONNXGraphReader(
      try graph(bytes, options), limits: options.limits, fileBytes: bytes.count,
      externalData: externalData)
    var network = try reader.run(output: options.weights)
    network.source.dataFiles = externalData?.paths.sorted() ?? []
    network.recognizeResNet()
    return network
  }

  private static func graph(_ bytes: UnsafeRawBufferPointer, _ options: ImportOptions)
    throws(ImportError) -> Onnx_GraphProto
  {
    try ProtobufScan.check(bytes, limits: options.limits)
    let model: Onnx_ModelProto
    do {
      var options = BinaryDecodingOptions()
      options.messageDepthLimit = 10
      options.discardUnknownFields = true
      model = try Onnx_ModelProto(serializedBytes: bytes.bytes, options: options)
    } catch {
      throw .malformed(
        part: "ONNX model", offset: 0, expected: "a protocol buffer of ONNX", found: "\(error)")
    }
    options.dropPages()
    guard model.functions.isEmpty else {
      throw .unsupportedFormat(looksLike: "an ONNX model with functions of its own")
    }
    guard let opset = model.opsetImport.first(where: { ["", "ai.onnx"].contains($0.domain) }) else {
      throw .malformed(
        part: "ONNX model", offset: 0, expected: "the version of ONNX's operators", found: "none")
    }
    guard opsets.contains(opset.version) else {
      throw .malformed(
        part: "ONNX model", offset: 0,
        expected: "operators of version \(opsets.lowerBound) to \(opsets.upperBound)",
        found: "\(opset.version)")
    }
    return model.graph
  }
}
