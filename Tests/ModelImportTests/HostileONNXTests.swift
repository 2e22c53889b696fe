// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

@Suite struct HostileONNXTests {
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

  @Test func decodedBytesAreLimited() throws {
    var limits = ImportLimits()
    limits.decodedBytes = 64
    let file = try onnxFile(Network(.example(narrow(.resnet18))))
    expectError(
      errorLoadingNetwork(file, limits: limits), "limitExceeded", "64 bytes of float32 tensors")
  }
}
