// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

/// Damaged files give an error or, where the damage does not matter, a sound checkpoint; a crash
/// ends the test process.
@Suite struct DamageTests {
  private static let safetensorsFile = safetensors(
    "{\"__metadata__\":{\"format\":\"pt\"}," + entry("layer1.w", "F32", [2, 3], 0, 24) + ","
      + entry("h", "F16", [2, 2], 24, 32) + "," + entry("b", "BF16", [2], 32, 36) + ","
      + entry("n", "I64", [], 36, 44) + "}",
    [UInt8](repeating: 0x11, count: 44))

  private static func torchPickle() -> [UInt8] {
    let tensors = Pickle.dictionary([
      ("layer1.w", .tensor([2, 3], key: "0")),
      ("h", .tensor([2], key: "1", storage: "HalfStorage")),
      ("t", .tensor([3, 2], key: "0", strides: [1, 3])),
    ])
    // PUT, and GET for the attribute that BUILD sets.
    let metadata = Pickle.code(0x71, [0]) + .plain(["_metadata": .code(0x68, [0])])
    return pickle(tensors + metadata + .ops("b"))
  }

  private static let legacyFile = legacyTorchFile([
    ("layer1.w", Tensor(shape: [2, 3], values: [1, 2, 3, 4, 5, 6])),
    ("h", Tensor(shape: [2], values: [7, 8])),
  ])

  private static let storages: [(String, [UInt8])] = [
    ("0", bytes(of: [1, 2, 3, 4, 5, 6])), ("1", littleEndian(UInt32(0x3c00_4000))),
  ]

  private let archive: [UInt8]
  private let onnx: [UInt8]

  init() throws {
    archive = try torchArchive(Self.torchPickle(), Self.storages)
    let config = try ResNetConfig(
      block: .basic, blockCounts: [1, 1], channels: [1, 1], outputDimension: 2)
    let style = ONNXStyle(storage: .halfFields, hasNoise: true)
    onnx = try onnxFile(Network(.example(config)), style)
  }

  /// What the tensors hold must be as a sound file's, however the file was damaged.
  private func expectSound(_ file: [UInt8], _ seed: UInt64) {
    guard let checkpoint = try? load(file, limits: Self.limits) else { return }
    for (name, tensor) in checkpoint.tensors {
      #expect(elementCount(of: tensor.shape) == tensor.values.count, "\(name), seed \(seed)")
      #expect(tensor.values.allSatisfy { $0.isFinite }, "\(name), seed \(seed)")
    }
  }

  /// A flipped size may ask for much; let it ask for no more than a test machine has.
  private static let limits: ImportLimits = {
    var limits = ImportLimits()
    limits.decodedBytes = 16 << 20
    return limits
  }()

  @Test func soundFilesLoad() throws {
    #expect(try load(Self.safetensorsFile).tensors.count == 3)
    #expect(try load(archive).tensors["t"]?.values == [1, 4, 2, 5, 3, 6])
    #expect(try load(Self.legacyFile).tensors["h"]?.values == [7, 8])
    #expect(try loadNetwork(onnx).source.format == "ONNX model")
  }

  private func expectRefusedAtEveryLength(
    _ whole: [UInt8], _ error: ([UInt8]) throws -> ImportError? = { errorLoading($0) }
  ) throws {
    for length in 0..<whole.count {
      #expect(try error(Array(whole.prefix(length))) != nil, "length \(length)")
    }
  }

  @Test func truncatedFilesAreRefusedAtEveryLength() throws {
    for file in [Self.safetensorsFile, Self.legacyFile, archive] {
      try expectRefusedAtEveryLength(file)
    }
    try expectRefusedAtEveryLength(onnx) { errorLoadingNetwork($0) }
    try expectRefusedAtEveryLength(Self.torchPickle()) {
      errorLoading(try torchArchive($0, Self.storages))
    }
    #expect(errorLoading(Self.legacyFile + [0]) != nil)
  }

  @Test func damagedFilesNeverCrash() throws {
    let header = Self.safetensorsFile.count - 44
    for seed in 0..<UInt64(30_000) {
      expectSound(damaged(Self.safetensorsFile, seed, upTo: header), seed)
    }
    for seed in 0..<UInt64(20_000) {
      expectSound(damaged(archive, seed), seed)
      expectSound(damaged(Self.legacyFile, seed), seed)
    }
    // The archive is written anew, so that its CRC does not catch the damage first.
    for seed in 0..<UInt64(3_000) {
      expectSound(try torchArchive(damaged(Self.torchPickle(), seed), Self.storages), seed)
    }
  }

  /// Whatever loads fits together and has finite values.
  @Test func damagedModelNeverCrashes() {
    for seed in 0..<UInt64(20_000) {
      let file = damaged(onnx, seed, moves: true)
      guard let network = try? loadNetwork(file, limits: Self.limits) else { continue }
      for layer in network.layers {
        guard case .convolution(let convolution) = layer.kind else { continue }
        #expect(convolution.weights.allSatisfy { $0.isFinite }, "\(layer.name), seed \(seed)")
      }
      // What the network claims to be is looked at next, and must not crash either.
      _ = try? Program(network, inputSize: 32)
    }
  }
}
