// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import ResNetRuntime
import TestPlans
import Testing

/// The shipped network in every container and naming that is read.
///
/// Where the weights have the same bits the plans must have the same bytes; elsewhere the logits
/// differ by as much as the rounding of the weights explains.
@Suite(.serialized) struct ImportedPlanTests {
  private static let inputSize = 64
  private static let shipped = Result { try Checkpoint(contentsOf: shippedCheckpoint) }
  private static let expected = Result { try plans(of: Network(shipped.get())) }

  private struct Plans: Equatable {
    var int8, float32: [UInt8]
  }

  /// Quantized with three images.
  private static func plans(of network: Network) throws -> Plans {
    let model = FloatModel(
      try Program(network, inputSize: inputSize),
      preprocessing: PreprocessingRecord(resize: inputSize, crop: inputSize))
    let calibration = try Calibration(
      observing: model, imageCount: 3, threads: 2,
      image: { testImage(inputSize, seed: UInt64($0)) }, progress: { _ in })
    return Plans(
      int8: try Planner.plan(
        QuantizationScheme(
          model, activations: calibration.scales(of: model.program, method: .minMax))),
      float32: try Planner.plan(QuantizationScheme(model, weights: .float32)))
  }

  private func logits(_ plan: [UInt8]) throws -> [[Float]] {
    try plan.withUnsafeBytes { bytes in
      let aligned = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
      defer { aligned.deallocate() }
      aligned.copyMemory(from: bytes)
      var session = try Session(Plan(unownedBytes: UnsafeRawBufferPointer(aligned)), threads: 1)
      return (10..<14).map { (seed: UInt64) in
        session.run(testImage(Self.inputSize, seed: seed).span)
        return Array(session.logits)
      }
    }
  }

  /// The largest difference of a logit, relative to the largest logit.
  private func difference(_ first: [[Float]], _ second: [[Float]]) -> Float {
    let greatest = second.joined().map(abs).max() ?? 0
    return zip(first.joined(), second.joined()).map { abs($0 - $1) }.max()! / greatest
  }

  private func expectSamePlans(_ file: [UInt8], _ format: String) throws {
    let network = try loadNetwork(file)
    #expect(network.source.format == format)
    #expect(network.name == "ResNet18")
    #expect(try Self.plans(of: network) == Self.expected.get())
  }

  private func expectNearPlans(_ file: [UInt8], float32: Float, int8: Float) throws {
    let found = try Self.plans(of: loadNetwork(file))
    let expected = try Self.expected.get()
    let exact = difference(try logits(found.float32), try logits(expected.float32))
    #expect(exact <= float32)
    let quantized = difference(try logits(found.int8), try logits(expected.float32))
    #expect(quantized <= int8)
    print("logits differ by \(exact) in float32, \(quantized) in int8")
  }

  @Test func torchZip() throws {
    try expectSamePlans(torchFile(Self.shipped.get().named), "torch.save archive")
  }

  @Test func legacyTorch() throws {
    try expectSamePlans(legacyTorchFile(Self.shipped.get().named), "legacy torch.save file")
  }

  @Test func safetensorsFloat32() throws {
    try expectSamePlans(safetensorsFile(Self.shipped.get().named), "safetensors")
  }

  @Test func timmCheckpointWithAveragedWeights() throws {
    // As timm's training script saves it; its ResNet18 has torchvision's names.
    let tensors = try Self.shipped.get().named
    let object = Pickle.plain([
      "arch": .text("resnet18"),
      "state_dict": .stateDict(
        tensors.map { ($0.name, Tensor(shape: [1], values: [0])) }, firstKey: 1000),
      "state_dict_ema": .stateDict(tensors),
    ])
    let file = try torchArchive(pickle(object), storages(tensors, .float32))
    #expect(try loadNetwork(file).source.wrapper == "state_dict_ema")
    #expect(try loadNetwork(file).source.passedOver == ["state_dict"])
    try expectSamePlans(file, "torch.save archive")
  }

  @Test func huggingFaceNames() throws {
    let tensors = try Self.shipped.get().named.map { name, tensor in
      (name: try #require(huggingFaceName(name)), tensor: tensor)
    }
    #expect(tensors.contains { $0.name.hasPrefix("resnet.encoder.stages.3.layers.1.layer.1.") })
    #expect(tensors.contains { $0.name == "classifier.1.weight" })
    try expectSamePlans(safetensorsFile(tensors), "safetensors")
  }

  /// The name in ResNetForImageClassification, nil if it has no such tensor.
  private func huggingFaceName(_ name: String) -> String? {
    var parts = name.split(separator: ".").map(String.init)
    let leaf = parts.removeLast()
    switch parts[0] {
    case "fc": return "classifier.1.\(leaf)"
    case "conv1": return "resnet.embedder.embedder.convolution.\(leaf)"
    case "bn1": return "resnet.embedder.embedder.normalization.\(leaf)"
    default: break
    }
    guard let stage = Int(parts[0].dropFirst("layer".count)) else { return nil }
    let block = "resnet.encoder.stages.\(stage - 1).layers.\(parts[1])"
    if parts[2] == "downsample" {
      return "\(block).shortcut.\(parts[3] == "0" ? "convolution" : "normalization").\(leaf)"
    }
    guard let index = parts[2].last?.wholeNumberValue else { return nil }
    let kind = parts[2].hasPrefix("conv") ? "convolution" : "normalization"
    return "\(block).layer.\(index - 1).\(kind).\(leaf)"
  }

  @Test func onnxWithBatchNorm() throws {
    let checkpoint = try Self.shipped.get()
    let config = try #require(Network(checkpoint).config)
    try expectSamePlans(onnxFile(checkpoint, config), "ONNX model")
    let style = ONNXStyle(
      pool: .meanByInput, flattening: .computedReshape, head: .matrixProduct, storage: .fields,
      hasNoise: true)
    try expectSamePlans(onnxFile(checkpoint, config, style), "ONNX model")
  }

  @Test func onnxWithFoldedBatchNorm() throws {
    let checkpoint = try Self.shipped.get()
    let config = try #require(Network(checkpoint).config)
    var style = ONNXStyle(norm: .folded)
    try expectSamePlans(onnxFile(checkpoint, config, style), "ONNX model")
    // Exporters fold in float32: three roundings where there was one.
    style.norm = .foldedInFloat32
    try expectNearPlans(onnxFile(checkpoint, config, style), float32: 1e-5, int8: 0.05)
  }

  /// A weight's rounding is at most 2⁻¹¹ of it in float16, 2⁻⁸ in bfloat16; through 18 layers that
  /// becomes 2⁻¹⁰ and 2⁻⁶ of the largest logit, measured.
  @Test func halfPrecision() throws {
    let checkpoint = try Self.shipped.get()
    try expectNearPlans(
      safetensorsFile(checkpoint.named, .float16), float32: 0x1p-10, int8: 0.05)
    try expectNearPlans(safetensorsFile(checkpoint.named, .bfloat16), float32: 0x1p-6, int8: 0.05)
    try expectNearPlans(torchFile(checkpoint.named, .float16), float32: 0x1p-10, int8: 0.05)
    let style = ONNXStyle(storage: .half)
    let config = try #require(Network(checkpoint).config)
    try expectNearPlans(onnxFile(checkpoint, config, style), float32: 0x1p-10, int8: 0.05)
  }
}
