// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import SwiftProtobuf
import Testing

@Suite struct HostileONNXTests {
  private let file: [UInt8]

  init() throws {
    let config = try ResNetConfig(
      block: .basic, blockCounts: [1, 1], channels: [1, 1], outputDimension: 2)
    let style = ONNXStyle(storage: .halfFields, hasNoise: true)
    file = try onnxFile(exampleCheckpoint(config), config, style)
  }

  private func varint(_ value: UInt64) -> [UInt8] {
    var value = value
    var bytes: [UInt8] = []
    while value >= 0x80 {
      bytes.append(UInt8(value & 0x7f) | 0x80)
      value >>= 7
    }
    return bytes + [UInt8(value)]
  }

  /// A field with wire type 2.
  private func field(_ number: UInt64, _ contents: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(UInt64(contents.count)) + contents
  }

  private let version: [UInt8] = [0x08, 0x08]

  @Test func soundFileLoads() throws {
    #expect(try loadNetwork(file).source.format == "ONNX model")
  }

  @Test func truncatedFileIsRefusedAtEveryLength() {
    for length in 0..<file.count {
      #expect(errorLoadingNetwork(Array(file.prefix(length))) != nil, "length \(length)")
    }
  }

  /// Whatever loads fits together and has finite values.
  @Test func damagedFileNeverCrashes() {
    var limits = ImportLimits()
    limits.decodedBytes = 16 << 20
    for seed in 0..<UInt64(20_000) {
      var generator = RandomGenerator(seed: seed)
      var damaged = file
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0..<damaged.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: damaged[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: damaged[index] = UInt8.random(in: .min ... .max, using: &generator)
        case 2: damaged.remove(at: index)
        default: damaged.insert(UInt8.random(in: .min ... .max, using: &generator), at: index)
        }
      }
      guard let network = try? loadNetwork(damaged, limits: limits) else { continue }
      for layer in network.layers {
        guard case .convolution(let convolution) = layer.kind else { continue }
        #expect(convolution.weights.allSatisfy { $0.isFinite }, "\(layer.name), seed \(seed)")
      }
      // What the network claims to be is looked at next, and must not crash either.
      _ = try? Program(network, inputSize: 32)
    }
  }

  @Test func manySmallMessagesAreCountedBeforeTheyAreMade() {
    // Each empty node takes two bytes here and a hundred when decoded.
    let nodes = [[UInt8]](repeating: [0x0a, 0x00], count: 1 << 19).flatMap { $0 }
    expectError(
      errorLoadingNetwork(version + field(7, nodes)), "limitExceeded", "\(1 << 18) fields")
    // The same one level deeper, and integers, packed or not.
    let attributes = [[UInt8]](repeating: [0x2a, 0x00], count: 1 << 19).flatMap { $0 }
    let dimensions = [[UInt8]](repeating: [0x08, 0x01], count: 1 << 19).flatMap { $0 }
    let integers = [UInt8](repeating: 1, count: 1 << 19)
    for message in [
      field(1, attributes), field(5, dimensions), field(5, field(1, integers)),
      field(5, field(7, integers)), field(1, field(5, field(8, integers))),
    ] {
      #expect(errorLoadingNetwork(version + field(7, message))?.kind == "limitExceeded")
    }
  }

  @Test func recursionIsHarmless() {
    // A graph in an attribute (field 6) of a node of a graph, and so on.
    var nested: [UInt8] = []
    for _ in 0..<10_000 { nested = field(1, field(5, field(6, nested))) }
    #expect(errorLoadingNetwork(version + field(7, nested)) != nil)
    // Groups, which could be nested at one byte each.
    let groups = version + [0x12, 0] + [UInt8](repeating: 0x3b, count: 100_000)
    #expect(errorLoadingNetwork(groups)?.kind == "malformed")
    let inside = [UInt8](repeating: 0x0b, count: 100_000)
    #expect(errorLoadingNetwork(version + field(7, inside))?.kind == "malformed")
    let deeper = [UInt8](repeating: 0x1b, count: 100_000)
    #expect(errorLoadingNetwork(version + field(7, field(1, field(5, field(6, deeper))))) != nil)
  }

  @Test func lengthsBeyondTheFileAreRefused() {
    for length in [UInt64](arrayLiteral: 100, 1 << 31, 1 << 32, 1 << 63, .max) {
      let error = errorLoadingNetwork(version + [0x3a] + varint(length) + [0, 0])
      #expect(error?.kind == "malformed", "\(length)")
    }
    // An integer without end.
    let endless = version + [0x3a] + [UInt8](repeating: 0xff, count: 20)
    #expect(errorLoadingNetwork(endless)?.kind == "malformed")
  }

  @Test func decodedBytesAreLimited() {
    var limits = ImportLimits()
    limits.decodedBytes = 64
    expectError(
      errorLoadingNetwork(file, limits: limits), "limitExceeded", "64 bytes of float32 tensors")
  }
}
