// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import ResNetPlatform
import TestPlans
import Testing

@Suite struct RandomCheckpointTests {
  private func digest(_ checkpoint: Checkpoint) -> String {
    var bytes: [UInt8] = []
    for (name, tensor) in checkpoint.named {
      bytes += Array("\(name) \(tensor.shape)".utf8)
      bytes += StoredType.float32.encode(tensor.values)
    }
    return sha256Hex(bytes)
  }

  @Test func bitsAreTheSameOnEveryMachine() throws {
    let config = try narrow(.resnet18)
    let checkpoint = Checkpoint.random(config: config, seed: 42)
    let network = Network(random: config, seed: 42)
    #expect(network.source.format == "random weights, seed 42")
    #expect(network.source.sha256.isEmpty)
    #expect(
      digest(checkpoint) == "2c7484cba77619d0bf7b56d8097a598e73a2d45f0864c2fa0a09f1aa82ddd517")
    #expect(network == Network(random: config, seed: 42))
    #expect(network.layers != Network(random: config, seed: 43).layers)
  }

  @Test func distributionsAreTorchvisions() throws {
    let config = ResNetConfig.resnet18
    let tensors = Checkpoint.random(config: config, seed: 7).tensors
    func moments(_ name: String) throws -> (mean: Double, deviation: Double, extreme: Double) {
      let values = try #require(tensors[name]).values.map(Double.init)
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      return (mean, variance.squareRoot(), values.map(abs).max() ?? 0)
    }
    // Kaiming normal, fan out: 2 / (512 * 9). 2.4 million samples.
    let convolution = try moments("layer4.1.conv2.weight")
    let deviation = (2.0 / (512 * 9)).squareRoot()
    #expect(abs(convolution.mean) < deviation * 0.005)
    #expect(abs(convolution.deviation / deviation - 1) < 0.005)
    #expect(convolution.extreme > deviation * 4 && convolution.extreme <= deviation * 6)
    // Uniform within ±1/sqrt(512): deviation bound / sqrt(3).
    let linear = try moments("fc.weight")
    let bound = 1 / 512.0.squareRoot()
    #expect(abs(linear.deviation / (bound / 3.0.squareRoot()) - 1) < 0.01)
    #expect(linear.extreme <= bound * 1.000001 && linear.extreme > bound * 0.99)
    #expect(tensors["bn1.weight"]?.values == [Float](repeating: 1, count: 64))
    #expect(tensors["bn1.running_var"]?.values == [Float](repeating: 1, count: 64))
    #expect(tensors["bn1.running_mean"]?.values == [Float](repeating: 0, count: 64))
  }

  @Test func zeroInitResidualZeroesTheLastNormOfEachBranch() throws {
    let config = try narrow(.resnet50)
    let zeroed = Checkpoint.random(config: config, seed: 8, zeroInitResidual: true).tensors
    let plain = Checkpoint.random(config: config, seed: 8).tensors
    for (name, tensor) in plain {
      if name.hasSuffix("bn3.weight") {
        #expect(zeroed[name]?.values.allSatisfy { $0 == 0 } == true, "\(name)")
      } else {
        #expect(zeroed[name] == tensor, "\(name)")
      }
    }
  }
}
