// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
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

  private static let storages: [(String, [UInt8])] = [
    ("0", bytes(of: [1, 2, 3, 4, 5, 6])), ("1", littleEndian(UInt32(0x3c00_4000))),
  ]

  /// What the tensors hold must be as a sound file's, however the file was damaged.
  private func expectSound(_ file: [UInt8], _ seed: UInt64) {
    var limits = ImportLimits()
    // A flipped size may ask for much; let it ask for no more than a test machine has.
    limits.decodedBytes = 16 << 20
    guard let checkpoint = try? load(file, limits: limits) else { return }
    for (name, tensor) in checkpoint.tensors {
      #expect(elementCount(of: tensor.shape) == tensor.values.count, "\(name), seed \(seed)")
      #expect(tensor.values.allSatisfy { $0.isFinite }, "\(name), seed \(seed)")
    }
  }

  /// Flips up to four bits and sometimes replaces a byte.
  private func damaged(_ file: [UInt8], _ seed: UInt64, upTo end: Int? = nil) -> [UInt8] {
    var generator = RandomGenerator(seed: seed)
    var result = file
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let index = Int.random(in: 0..<(end ?? file.count), using: &generator)
      if Bool.random(using: &generator) {
        result[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      } else {
        result[index] = UInt8.random(in: .min ... .max, using: &generator)
      }
    }
    return result
  }

  @Test func soundFilesLoad() throws {
    #expect(try load(Self.safetensorsFile).tensors.count == 3)
    let file = try torchArchive(Self.torchPickle(), Self.storages)
    #expect(try load(file).tensors["t"]?.values == [1, 4, 2, 5, 3, 6])
    #expect(try load(Self.legacyFile).tensors["h"]?.values == [7, 8])
  }

  private func expectRefusedAtEveryLength(
    _ whole: [UInt8], _ file: ([UInt8]) throws -> [UInt8] = { $0 }
  ) throws {
    for length in 0..<whole.count {
      let cut = try file(Array(whole.prefix(length)))
      #expect(errorLoading(cut) != nil, "length \(length)")
    }
  }

  @Test func truncatedFilesAreRefusedAtEveryLength() throws {
    try expectRefusedAtEveryLength(Self.safetensorsFile)
    try expectRefusedAtEveryLength(Self.legacyFile)
    try expectRefusedAtEveryLength(torchArchive(Self.torchPickle(), Self.storages))
    try expectRefusedAtEveryLength(Self.torchPickle()) { try torchArchive($0, Self.storages) }
    #expect(errorLoading(Self.legacyFile + [0]) != nil)
  }

  @Test func damagedSafetensorsNeverCrashes() {
    let header = Self.safetensorsFile.count - 44
    for seed in 0..<UInt64(30_000) {
      expectSound(damaged(Self.safetensorsFile, seed, upTo: header), seed)
    }
  }

  @Test func damagedArchiveNeverCrashes() throws {
    let file = try torchArchive(Self.torchPickle(), Self.storages)
    for seed in 0..<UInt64(20_000) { expectSound(damaged(file, seed), seed) }
  }

  @Test func damagedPickleNeverCrashes() throws {
    // The archive is written anew, so that its CRC does not catch the damage first.
    let pickle = Self.torchPickle()
    for seed in 0..<UInt64(3_000) {
      expectSound(try torchArchive(damaged(pickle, seed), Self.storages), seed)
    }
  }

  private static let legacyFile = legacyTorchFile([
    ("layer1.w", Tensor(shape: [2, 3], values: [1, 2, 3, 4, 5, 6])),
    ("h", Tensor(shape: [2], values: [7, 8])),
  ])

  @Test func damagedLegacyFileNeverCrashes() {
    for seed in 0..<UInt64(20_000) { expectSound(damaged(Self.legacyFile, seed), seed) }
  }
}
