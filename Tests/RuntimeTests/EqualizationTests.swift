// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetRuntime
import TestPlans
import Testing

@Suite struct EqualizationTests {
  /// The greatest magnitudes of each channel between two convolutions: as written and as read.
  private func ranges(_ first: Network.Convolution, _ second: Network.Convolution)
    -> [(Float, Float)]
  {
    let each = first.weights.count / first.outputChannels
    let taps = second.kernel.height * second.kernel.width
    return (0..<first.outputChannels).map { channel in
      let written = (0..<each).map { first.weights[channel * each + $0].magnitude }
      let read = second.weights.indices
        .filter { $0 / taps % second.inputChannels == channel }
        .map { second.weights[$0].magnitude }
      return (written.max()!, read.max()!)
    }
  }

  @Test(arguments: TestNetwork.all)
  func float32KeepsEveryBit(network: TestNetwork) throws {
    let graph = try network.network()
    var unequal = graph
    unequal.makeChannelsUnequal(seed: 3)
    var equalized = unequal
    let count = equalized.equalize()
    #expect((count > 0) == graph.chains.contains { $0.count > 1 })
    let image = testImage(64, seed: 8)
    let expected = try infer(
      LoadedPlan(testPlan(of: graph, inputSize: 64, weights: .float32)), image)
    for other in [unequal, equalized] {
      #expect(
        try infer(LoadedPlan(testPlan(of: other, inputSize: 64, weights: .float32)), image)
          == expected)
    }
    // Nothing is left to do.
    var again = equalized
    #expect(again.equalize() == 0)
    #expect(again == equalized)
  }

  @Test(arguments: TestNetwork.all)
  func rangesAreWithinAFactorOfTwo(network: TestNetwork) throws {
    var graph = try network.network()
    graph.makeChannelsUnequal(seed: 4)
    graph.equalize()
    for chain in graph.chains {
      for (first, second) in zip(chain, chain.dropFirst()) {
        let found = ranges(graph[convolution: first], graph[convolution: second])
        for (written, read) in found {
          #expect(written / read >= 0.5 && written / read < 2, "\(graph.layers[first].name)")
        }
      }
    }
  }

  @Test func channelsWithoutARangeStayAsTheyAre() throws {
    var network = try TestNetwork.basic.network()
    var layers = (network[convolution: "layer1.0.conv1"], network[convolution: "layer1.0.conv2"])
    let each = layers.0.weights.count / 16
    for index in 0..<each { layers.0.weights[index] = 0 }
    layers.0.bias?[0] = 3
    for index in layers.1.weights.indices where index / 9 % 16 == 1 { layers.1.weights[index] = 0 }
    // Half of its bits would be lost.
    let least = Float.leastNormalMagnitude
    for index in 2 * each..<3 * each {
      layers.0.weights[index] = index % 2 == 0 ? least.nextUp : 1e30
    }
    network[convolution: "layer1.0.conv1"] = layers.0
    network[convolution: "layer1.0.conv2"] = layers.1
    network.equalize()
    let after = (network[convolution: "layer1.0.conv1"], network[convolution: "layer1.0.conv2"])
    for channel in 0..<3 {
      let range = channel * each..<(channel + 1) * each
      #expect(layers.0.weights[range] == after.0.weights[range])
      #expect(layers.0.bias?[channel] == after.0.bias?[channel])
      for index in layers.1.weights.indices where index / 9 % 16 == channel {
        #expect(layers.1.weights[index] == after.1.weights[index])
      }
    }
    #expect(
      network.chains.joined().allSatisfy {
        network[convolution: $0].weights.allSatisfy(\.isFinite)
      })
  }

  /// A channel that is nearly constant must not outgrow the others.
  @Test func largeBiasesStayInBounds() throws {
    var network = try TestNetwork.basic.network()
    var layer = network[convolution: "layer1.0.conv1"]
    for index in 0..<layer.weights.count / 16 { layer.weights[index] *= 0x1p-30 }
    layer.bias?[0] = 1
    network[convolution: "layer1.0.conv1"] = layer
    network.equalize()
    #expect(try #require(network[convolution: "layer1.0.conv1"].bias)[0] < 16)
  }

  /// Decibels of an int8 plan's logits over several images.
  private func decibels(_ graph: Network) throws -> Double {
    let int8 = LoadedPlan(try testPlan(of: graph, inputSize: 64))
    let float32 = LoadedPlan(try testPlan(of: graph, inputSize: 64, weights: .float32))
    var (signal, noise) = (0.0, 0.0)
    for seed in 0..<8 as Range<UInt64> {
      let image = testImage(64, seed: seed)
      let found = try infer(int8, image).floatLogits
      let expected = try infer(float32, image).floatLogits
      for (a, b) in zip(found, expected) {
        signal += Double(b) * Double(b)
        noise += Double(a - b) * Double(a - b)
      }
    }
    return 10 * log10(signal / noise)
  }

  @Test(arguments: [TestNetwork.basic, .bottleneck, .deep, .pooled])
  func int8GetsBackWhatUnequalChannelsCost(network: TestNetwork) throws {
    let equal = try network.network()
    var unequal = equal
    unequal.makeChannelsUnequal(seed: 5)
    var equalized = unequal
    equalized.equalize()
    let (best, worst, found) = try (decibels(equal), decibels(unequal), decibels(equalized))
    #expect(worst < best - 6)
    #expect(found > worst + 6)
    #expect(found > best - 3)
  }
}
