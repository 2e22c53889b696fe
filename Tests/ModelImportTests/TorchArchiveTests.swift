// SPDX-License-Identifier: Apache-2.0

import CResNetZip
import ResNetModelImport
import ResNetPlatform
import TestPlans
import Testing

@Suite struct TorchArchiveTests {
  @Test func stateDictionaryIsRead() throws {
    let tensors = Pickle.dictionary([
      ("a", .tensor([2, 2], key: "0")),
      ("half", .tensor([2], key: "1", storage: "HalfStorage")),
      ("brain", .tensor([1], key: "2", storage: "BFloat16Storage")),
      ("counter", .tensor([], key: "3", storage: "LongStorage")),
    ])
    // The attribute `_metadata`, as torch.save writes it.
    let file = try torchArchive(
      pickle(tensors + .plain(["_metadata": .dictionary([])]) + .ops("b")),
      [
        ("0", bytes(of: [1, 2, 3, 4])), ("1", littleEndian(UInt32(0xc000_3c00))),
        ("2", littleEndian(UInt16(0x4040))), ("3", littleEndian(Int64(9))),
      ])
    let checkpoint = try load(file)
    #expect(checkpoint.tensors["a"] == Tensor(shape: [2, 2], values: [1, 2, 3, 4]))
    #expect(checkpoint.tensors["half"] == Tensor(shape: [2], values: [1, -2]))
    #expect(checkpoint.tensors["brain"] == Tensor(shape: [1], values: [3]))
    #expect(checkpoint.tensors.count == 3)
    #expect(checkpoint.skipped == ["counter"])
  }

  @Test func archiveWithoutByteOrderAndPackedArchiveAreRead() throws {
    let object = oneTensor([2])
    let storages = [("0", bytes(of: [1, 2]))]
    for file in [
      try torchArchive(object, storages, byteOrder: nil),
      try torchArchive(object, storages, method: ZIP_CM_DEFLATE),
    ] {
      #expect(try load(file).tensors["w"]?.values == [1, 2])
    }
  }

  @Test func viewsOfOneStorageAreGathered() throws {
    let views = Pickle.dictionary([
      ("transposed", .tensor([3, 2], key: "0", count: 7, offset: 1, strides: [1, 3])),
      ("slice", .tensor([2], key: "0", count: 7, offset: 5)),
      ("expanded", .tensor([2, 2], key: "0", count: 7, strides: [0, 6])),
      ("oneRow", .tensor([1, 2], key: "0", count: 7, offset: 2, strides: [99, 1])),
      // Strides of one element that no sum holds.
      ("column", .tensor([2, 1], key: "0", count: 7, offset: 3, strides: [2, Int.max])),
      ("one", .tensor([1, 2, 1], key: "0", count: 7, offset: 1, strides: [Int.max, 3, Int.max])),
      ("none", .tensor([0, 3], key: "0", count: 7, offset: 99)),
    ])
    let file = try torchArchive(pickle(views), [("0", bytes(of: [0, 1, 2, 3, 4, 5, 6]))])
    let tensors = try load(file).tensors
    #expect(tensors["transposed"] == Tensor(shape: [3, 2], values: [1, 4, 2, 5, 3, 6]))
    #expect(tensors["slice"] == Tensor(shape: [2], values: [5, 6]))
    #expect(tensors["expanded"] == Tensor(shape: [2, 2], values: [0, 6, 0, 6]))
    #expect(tensors["oneRow"] == Tensor(shape: [1, 2], values: [2, 3]))
    #expect(tensors["column"] == Tensor(shape: [2, 1], values: [3, 5]))
    #expect(tensors["one"] == Tensor(shape: [1, 2, 1], values: [1, 4]))
    #expect(tensors["none"] == Tensor(shape: [0, 3], values: []))
  }

  @Test func trainingCheckpointIsUnwrapped() throws {
    // A parameter: the tensor, requires_grad and no hooks.
    let parameter = Pickle.call(
      "torch._utils", "_rebuild_parameter", .tensor([1], key: "0"), .code(0x88), .dictionary([]))
    let object = Pickle.plain([
      "epoch": .int(90),
      "best": .code(0x47, [0x40, 0x09, 0, 0, 0, 0, 0, 0]),
      "optimizer": .plain(["groups": .ops("]Na")]),
      "state_dict": .plain(["w": parameter]),
    ])
    let checkpoint = try load(try torchArchive(pickle(object), [("0", bytes(of: [4]))]))
    #expect(checkpoint.tensors == ["w": Tensor(shape: [1], values: [4])])
    #expect(checkpoint.wrapper == "state_dict")
  }

  @Test func protocol4IsRead() throws {
    // OrderedDict() with SHORT_BINUNICODE, MEMOIZE, STACK_GLOBAL and BINUNICODE8 in a FRAME.
    let module = Array("collections".utf8)
    let name = Array("OrderedDict".utf8)
    var body: [UInt8] = [0x8c, UInt8(module.count)] + module + [0x94]
    body += [0x8d] + littleEndian(UInt64(name.count)) + name + [0x94]
    body += [0x93, 0x94, 0x29, 0x52, 0x94]
    func framed(_ body: [UInt8]) -> [UInt8] {
      [0x80, 4, 0x95] + littleEndian(UInt64(body.count)) + body
    }
    expectError(
      errorLoading(try torchArchive(framed(body + [0x2e]))), "unexpectedEntry",
      "a dictionary without tensors")
    // BINGET of the fourth object memoized leaves two objects.
    let two = framed(body + [0x68, 3, 0x2e])
    #expect(
      errorLoading(try torchArchive(two))
        == .malformed(
          part: "data.pkl", offset: two.count - 1, expected: "one object at STOP", found: "2"))
  }

  @Test func bigEndianAndOtherVersionsAreRefused() throws {
    let object = oneTensor([1])
    let storages = [("0", bytes(of: [1]))]
    #expect(errorLoading(try torchArchive(object, storages, byteOrder: "big")) == .bigEndian)
    #expect(
      errorLoading(try torchArchive(object, storages, byteOrder: "middle"))
        == .malformed(
          part: "byteorder", offset: 0, expected: "\"little\" or \"big\"", found: "\"middle\""))
    for version in ["11", "0", "three", ""] {
      #expect(
        errorLoading(try torchArchive(object, storages, version: version))
          == .malformed(
            part: "version", offset: 0, expected: "an integer from 1 to 10",
            found: "\"\(version)\""))
    }
  }

  @Test func missingPartsAreNamed() throws {
    let object = oneTensor([1])
    #expect(errorLoading(try torchArchive(object)) == .missingEntry(name: "net/data/0"))
    #expect(
      errorLoading(try zipArchive([("net/data.pkl", object)]))
        == .missingEntry(name: "net/version"))
    #expect(
      errorLoading(try zipArchive([("readme", [1])]))
        == .missingEntry(name: "<archive>/data.pkl"))
    #expect(
      errorLoading(try zipArchive([("a/data.pkl", object), ("b/data.pkl", object)]))
        == .badArchive(entry: "", reason: "2 entries named data.pkl"))
    for (entries, kind) in [
      (["archive/data/weights/0", "archive/archive_format"], "torch.export"),
      (["config.json", "model.weights.h5"], "Keras"), (["conv1.weight.npy"], "NumPy"),
      (["folder/model.pth"], "unzip"),
    ] {
      let file = try zipArchive(entries.map { ($0, [1]) })
      expectError(errorLoading(file), "unsupportedFormat", kind)
    }
    let script = try zipArchive([("net/data.pkl", object), ("net/constants.pkl", [0x2e])])
    expectError(errorLoading(script), "unsupportedFormat", "TorchScript")
  }

  @Test func storageMustHaveTheBytesItsTensorPromises() throws {
    let file = try torchArchive(oneTensor([2]), [("0", bytes(of: [1, 2, 3]))])
    #expect(errorLoading(file) == .byteCountMismatch(tensor: "w", expected: 8, found: 12))
  }

  @Test(arguments: [
    ([2, 2], 3, 0, [2, 1], 3), ([1], 1, 1, [1], 1), ([2], 2, 0, [5], 5),
    ([2], 2, 0, [Int.max], Int.max), ([3], 2, 0, [Int.max], Int.max),
    ([1], 2, Int.max, [1], Int.max),
  ])
  func viewMustLieInsideItsStorage(
    shape: [Int], count: Int, offset: Int, strides: [Int], last: Int
  ) throws {
    let object = Pickle.plain([
      "w": .tensor(shape, key: "0", count: count, offset: offset, strides: strides)
    ])
    let storage = bytes(of: [Float](repeating: 0, count: count))
    #expect(
      errorLoading(try torchArchive(pickle(object), [("0", storage)]))
        == .outsideStorage(tensor: "w", storage: "0", lastElement: last, elementCount: count))
  }

  @Test(
    arguments: [
      (
        .tensor([1 << 40, 1 << 40], key: "0", count: 1, strides: [0, 0]),
        .badShape(tensor: "w", shape: [1 << 40, 1 << 40])
      ),
      (
        .tensor([1], key: "0", count: Int.max),
        .byteCountMismatch(tensor: "w", expected: Int.max, found: 4)
      ),
    ] as [(Pickle, ImportError)])
  func absurdSizesAreRefused(tensor: Pickle, error: ImportError) throws {
    let file = try torchArchive(pickle(.plain(["w": tensor])), [("0", bytes(of: [1]))])
    #expect(errorLoading(file) == error)
  }

  @Test func float64IsRoundedAndNonFiniteValuesAreNamed() throws {
    let double = try torchArchive(
      oneTensor([1], storage: "DoubleStorage"), [("0", littleEndian((0.1 + 0x1p-40).bitPattern))])
    #expect(try load(double).tensors["w"]?.values == [Float(0.1 + 0x1p-40)])
    let file = try torchArchive(oneTensor([2]), [("0", bytes(of: [0, -.infinity]))])
    #expect(errorLoading(file) == .nonFinite(tensor: "w", index: 1, found: "-inf"))
  }

  @Test func entryWithDamagedContentsIsNamed() throws {
    var file = try torchArchive(oneTensor([2]), [("0", bytes(of: [1.5, 2.5]))])
    file[try #require(position(of: bytes(of: [1.5, 2.5]), in: file))] ^= 1
    expectError(errorLoading(file), "badArchive", "net/data/0", "CRC")
  }

  @Test func zipBombIsBounded() throws {
    // 8 MB of zeros packed in a few kB, against a limit of 1 MB.
    let zeros = [UInt8](repeating: 0, count: 8 << 20)
    let file = try torchArchive(
      oneTensor([2 << 20]), [("0", zeros)], method: ZIP_CM_DEFLATE)
    #expect(file.count < 32 << 10)
    var limits = ImportLimits()
    limits.decodedBytes = 1 << 20
    #expect(
      errorLoading(file, limits: limits)
        == .limitExceeded(
          what: "bytes in zip entry \"net/data/0\"", limit: 1 << 20, found: 8 << 20))
    #expect(errorLoading(file) == nil)
    // Many entries, each below the limit.
    let many = (0..<3).map { ("\($0)", [UInt8](repeating: 0, count: 600_000)) }
    let files = try torchArchive(oneTensor([150_000]), many, method: ZIP_CM_DEFLATE)
    guard
      case .limitExceeded("bytes of unpacked zip entries", 1_048_576, let found) =
        errorLoading(files, limits: limits)
    else {
      Issue.record("expected the sum of the entries to be limited")
      return
    }
    #expect((1_200_000...1_300_000).contains(found))
  }

  @Test func directoryThatOverstatesAnEntryIsRefused() throws {
    var file = try torchArchive(
      oneTensor([64]), [("0", [UInt8](repeating: 0, count: 256))],
      method: ZIP_CM_DEFLATE)
    // The last mention of the name is in the central directory: at byte 46 of a record that has
    // the size at byte 24.
    let name = Array("net/data/0".utf8)
    let record = try #require(position(of: name, in: file, last: true)) - 46
    file.replaceSubrange(record + 24..<record + 28, with: littleEndian(UInt32(1 << 30)))
    expectError(
      errorLoading(file), "badArchive", "net/data/0", "1073741824 bytes cannot be packed")
  }
}

private func position(of pattern: [UInt8], in file: [UInt8], last: Bool = false) -> Int? {
  let positions = 0...file.count - pattern.count
  func matches(_ start: Int) -> Bool { file[start..<start + pattern.count].elementsEqual(pattern) }
  return last ? positions.last(where: matches) : positions.first(where: matches)
}
