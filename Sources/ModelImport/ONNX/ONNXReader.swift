// SPDX-License-Identifier: Apache-2.0

import SwiftProtobuf

/// What the graph of an ONNX model tells beside its tensors.
struct ONNXStructure {
  var hasStrideInFirstConvolution: Bool?
  var normEpsilon = 1e-5
}

/// The opsets in which the operations of a ResNet mean what is assumed here.
private let opsets: ClosedRange<Int64> = 9...25

/// Reads an ONNX model of a ResNet, as PyTorch's exporters write it, into tensors with torchvision's
/// names.
///
/// The network is found by following the graph from its input; names do not matter. Batch norm may
/// have been folded. Source: https://onnx.ai/onnx/repo-docs/IR.html and the operator reference there.
///
/// - Parameter dropPages: called when `bytes` have been copied, before the tensors are.
func readONNX(_ bytes: UnsafeRawBufferPointer, limits: ImportLimits, dropPages: () -> Void)
  throws(ImportError) -> (CheckpointContents, ONNXStructure)
{
  try ProtobufScan.check(bytes, limits: limits)
  let model: Onnx_ModelProto
  do {
    var options = BinaryDecodingOptions()
    options.messageDepthLimit = 8
    options.discardUnknownFields = true
    model = try Onnx_ModelProto(serializedBytes: bytes.bytes, options: options)
  } catch {
    throw .malformed(
      part: "ONNX model", offset: 0, expected: "a protocol buffer of ONNX", found: "\(error)")
  }
  dropPages()
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
  var walk = ONNXWalk(try ONNXGraph(model.graph), limits: limits)
  return try walk.run()
}
