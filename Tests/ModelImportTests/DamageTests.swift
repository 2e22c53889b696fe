// SPDX-License-Identifier: Apache-2.0

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
    var pickle = Pickle()
    pickle.orderedDictionary()
    pickle.op("q", [0])
    pickle.op("(")
    pickle.text("layer1.w")
    pickle.tensor([2, 3], key: "0")
    pickle.text("h")
    pickle.tensor([2], key: "1", storage: "HalfStorage")
    pickle.text("t")
    pickle.tensor([3, 2], key: "0", strides: [1, 3])
    pickle.op("u")
    pickle.op("}")
    pickle.text("_metadata")
    pickle.op("h", [0])
    pickle.op("s")
    pickle.op("b")
    return pickle.finished
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
    var generator = SeededGenerator(state: seed)
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
  }

  @Test func truncatedSafetensorsIsRefusedAtEveryLength() {
    for length in 0..<Self.safetensorsFile.count {
      #expect(errorLoading(Array(Self.safetensorsFile.prefix(length))) != nil, "length \(length)")
    }
  }

  @Test func truncatedArchiveIsRefusedAtEveryLength() throws {
    let file = try torchArchive(Self.torchPickle(), Self.storages)
    for length in 0..<file.count {
      #expect(errorLoading(Array(file.prefix(length))) != nil, "length \(length)")
    }
  }

  @Test func truncatedPickleIsRefusedAtEveryLength() throws {
    let pickle = Self.torchPickle()
    for length in 0..<pickle.count {
      let file = try torchArchive(Array(pickle.prefix(length)), Self.storages)
      #expect(errorLoading(file) != nil, "length \(length)")
    }
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

  private static let legacyFile: [UInt8] = {
    var pickle = Pickle()
    pickle.stateDict(
      [
        ("layer1.w", Tensor(shape: [2, 3], values: [1, 2, 3, 4, 5, 6])),
        ("h", Tensor(shape: [2], values: [7, 8])),
      ], isLegacy: true)
    return legacyTorchFile(
      pickle.finished,
      [("0", 6, bytes(of: [1, 2, 3, 4, 5, 6])), ("1", 2, bytes(of: [7, 8]))])
  }()

  @Test func truncatedLegacyFileIsRefusedAtEveryLength() throws {
    #expect(try load(Self.legacyFile).tensors["h"]?.values == [7, 8])
    for length in 0..<Self.legacyFile.count {
      #expect(errorLoading(Array(Self.legacyFile.prefix(length))) != nil, "length \(length)")
    }
    #expect(errorLoading(Self.legacyFile + [0]) != nil)
  }

  @Test func damagedLegacyFileNeverCrashes() {
    for seed in 0..<UInt64(20_000) { expectSound(damaged(Self.legacyFile, seed), seed) }
  }
}
