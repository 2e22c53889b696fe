// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

/// The shipped network in every container and naming that is read: always the same layers, bit by
/// bit.
@Suite struct ImportedNetworkTests {
  private static let shipped = Result { try Checkpoint(path: shippedCheckpoint) }

  private func expectSame(
    _ file: [UInt8], _ format: String, as expected: Checkpoint? = nil,
    at location: SourceLocation = #_sourceLocation
  ) throws {
    let found = try loadNetwork(file)
    #expect(found.source.format == format, sourceLocation: location)
    #expect(found.name == "ResNet18", sourceLocation: location)
    let same = try found.layers == Network(expected ?? Self.shipped.get()).layers
    #expect(same, sourceLocation: location)
  }

  @Test(arguments: [StoredType.float32, .float16, .bfloat16])
  func everyContainerHasTheSameValues(type: StoredType) throws {
    var expected = try Self.shipped.get()
    let tensors = expected.named
    expected.tensors = expected.tensors.mapValues(type.rounded)
    try expectSame(torchFile(tensors, type), "torch.save archive", as: expected)
    try expectSame(legacyTorchFile(tensors, type), "legacy torch.save file", as: expected)
    try expectSame(safetensorsFile(tensors, type), "safetensors", as: expected)
    let style = ONNXStyle(storage: type == .float16 ? .half : .raw)
    if type != .bfloat16 {
      try expectSame(onnxFile(Network(Self.shipped.get()), style), "ONNX model", as: expected)
    }
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
    try expectSame(file, "torch.save archive")
  }

  @Test func huggingFaceNames() throws {
    let tensors = try Self.shipped.get().named.map { name, tensor in
      (name: try #require(huggingFaceName(name)), tensor: tensor)
    }
    #expect(tensors.contains { $0.name.hasPrefix("resnet.encoder.stages.3.layers.1.layer.1.") })
    #expect(tensors.contains { $0.name == "classifier.1.weight" })
    try expectSame(safetensorsFile(tensors), "safetensors")
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

  /// Exporters fold in float32: three roundings where there was one.
  @Test func onnxFoldedInFloat32IsNear() throws {
    let network = try Network(Self.shipped.get())
    let style = ONNXStyle(norm: .foldedInFloat32)
    let file = try onnxFile(network, style)
    let found = try Program(loadNetwork(file), inputSize: 64)
    let expected = try Program(network, inputSize: 64)
    for seed in 10..<14 as Range<UInt64> {
      let image = testImage(64, seed: seed)
      #expect(relativeDifference(found.logits(image), expected.logits(image)) <= 1e-5)
    }
  }
}
