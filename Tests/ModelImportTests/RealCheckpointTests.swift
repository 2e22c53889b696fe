// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetModelImport
import ResNetPlatform
import Testing

@Suite struct RealCheckpointTests {
  @Test(.enabled(if: sourceCheckpointIsPresent, "needs ../shared/models/resnet18-imagenette.pth"))
  func torchFileLoads() throws {
    let clock = ContinuousClock()
    let start = clock.now
    let checkpoint = try Checkpoint(contentsOf: sourceCheckpoint)
    print("loading the PyTorch checkpoint took \(clock.now - start)")
    // conv and four batch norm tensors 20 times, and the linear layer's two.
    #expect(checkpoint.tensors.count == 102)
    #expect(checkpoint.skipped.count == 20)
    #expect(checkpoint.skipped.allSatisfy { $0.hasSuffix(".num_batches_tracked") })
    #expect(checkpoint.tensors["conv1.weight"]?.shape == [64, 3, 7, 7])
    #expect(checkpoint.tensors["fc.weight"]?.shape == [10, 512])
    #expect(checkpoint.wrapper == nil)
    #expect(checkpoint.strippedPrefix == nil)
    let file = try Data(contentsOf: URL(fileURLWithPath: sourceCheckpoint))
    let source = try Network(contentsOf: sourceCheckpoint).source
    #expect(source.format == "torch.save archive")
    #expect(source.sha256 == sha256Hex(Array(file)))
  }

  @Test func shippedFileLoads() throws {
    let checkpoint = try Checkpoint(contentsOf: shippedCheckpoint)
    let network = try Network(contentsOf: shippedCheckpoint)
    #expect(network.source.format == "safetensors")
    #expect(network.source.sha256.count == 64)
    #expect(network.name == "ResNet18")
    #expect(checkpoint.tensors.count == 102)
    #expect(checkpoint.tensors["layer4.1.bn2.running_var"]?.shape == [512])
  }

  @Test(.enabled(if: sourceCheckpointIsPresent, "needs ../shared/models/resnet18-imagenette.pth"))
  func shippedFileHasTheSourceFilesValues() throws {
    let source = try Checkpoint(contentsOf: sourceCheckpoint)
    let shipped = try Checkpoint(contentsOf: shippedCheckpoint)
    #expect(source.tensors.keys.sorted() == shipped.tensors.keys.sorted())
    for (name, tensor) in source.tensors {
      #expect(shipped.tensors[name] == tensor, "tensor \(name)")
    }
  }
}
