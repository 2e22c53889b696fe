// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetModelImport
import ResNetPlatform
import TestPlans
import Testing

@Suite struct RealCheckpointTests {
  private func expectImagenette(_ path: String, _ format: String) throws {
    let checkpoint = try Checkpoint(path: path)
    // conv and four batch norm tensors 20 times, and the linear layer's two.
    #expect(checkpoint.tensors.count == 102)
    #expect(checkpoint.skipped.allSatisfy { $0.hasSuffix(".num_batches_tracked") })
    #expect(checkpoint.tensors["conv1.weight"]?.shape == [64, 3, 7, 7])
    #expect(checkpoint.tensors["layer4.1.bn2.running_var"]?.shape == [512])
    #expect(checkpoint.tensors["fc.weight"]?.shape == [10, 512])
    #expect(checkpoint.wrapper == nil)
    #expect(checkpoint.strippedPrefix == nil)
    let network = try Network(contentsOf: path)
    #expect(network.source.format == format)
    let file = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(network.source.sha256 == sha256Hex(file))
    #expect(network.name == "ResNet18")
    try network.check(architecture: "resnet18")
    #expect(network.config == (try ResNetConfig(named: "resnet18", outputDimension: 10)))
    #expect(network.layers.filter { $0.kind == .add }.count == 8)
  }

  @Test func shippedFileLoads() throws { try expectImagenette(shippedCheckpoint, "safetensors") }

  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: sourceCheckpoint),
      "needs ../shared/models/resnet18-imagenette.pth"))
  func shippedFileHasTheSourceFilesValues() throws {
    try expectImagenette(sourceCheckpoint, "torch.save archive")
    let source = try Checkpoint(path: sourceCheckpoint)
    #expect(source.skipped.count == 20)
    let shipped = try Checkpoint(path: shippedCheckpoint)
    #expect(source.tensors.keys.sorted() == shipped.tensors.keys.sorted())
    for (name, tensor) in source.tensors {
      #expect(shipped.tensors[name] == tensor, "tensor \(name)")
    }
  }
}
