// SPDX-License-Identifier: Apache-2.0

import CResNetZip
import Foundation
import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

/// Small files that ask for much time or memory: what they get is in proportion to their size, or refused.
@Suite struct ProportionTests {
  /// Checks that `body` takes this thread little time: where the work was not in proportion, it took much more.
  private func expectQuick(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
  ) rethrows {
    func seconds() -> Int {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return time.tv_sec
    }
    let start = seconds()
    try body()
    #expect(seconds() - start < 15, sourceLocation: sourceLocation)
  }

  private func limits(_ change: (inout ImportLimits) -> Void) -> ImportLimits {
    var limits = ImportLimits()
    change(&limits)
    return limits
  }

  // MARK: - Views

  /// A row of a matrix whose columns are turned, of a storage of 8 MB, 8,000 times.
  @Test func storageIsNotDecodedForEachView() throws {
    let count = 2 << 20
    let views = (0..<8_000).map { index in
      ("w\(index)", Pickle.tensor([2, 2], key: "0", count: count, strides: [1, count / 2]))
    }
    let storage = [UInt8](repeating: 0, count: 4 * count)
    let file = try torchArchive(pickle(.dictionary(views)), [("0", storage)])
    try expectQuick { try #require(load(file).tensors.count == 8_000) }
  }

  /// Bytes are those of all tensors together, of any view: at most 32 for each of the file's and 16 MiB.
  @Test func viewsOfOneElementAreLimited() throws {
    func file(_ views: [(String, Pickle)], isLegacy: Bool) throws -> [UInt8] {
      let object = Pickle.dictionary(views)
      return isLegacy
        ? legacyTorchFile(object, [("0", 1, bytes(of: [1]))])
        : try torchArchive(pickle(object), [("0", bytes(of: [1]))])
    }
    func view(_ elements: Int, _ isLegacy: Bool) -> Pickle {
      .tensor([elements], key: "0", count: 1, strides: [0], isLegacy: isLegacy)
    }
    for isLegacy in [false, true] {
      let large = try file([("w", view(1 << 30, isLegacy))], isLegacy: isLegacy)
      #expect(
        errorLoading(large)
          == .limitExceeded(
            what: "bytes of decoded tensors in a file of \(large.count) bytes",
            limit: 16 << 20 + 32 * large.count, found: 4 << 30))
      let many = try file(
        (0..<40).map { ("w\($0)", view(1 << 18, isLegacy)) }, isLegacy: isLegacy)
      expectError(errorLoading(many), "limitExceeded", "bytes of decoded tensors")
      #expect(errorLoading(try file([("w", view(1 << 20, isLegacy))], isLegacy: isLegacy)) == nil)
    }
  }

  // MARK: - Pickles

  /// A pickle that pushes `object`, keeps it as number 0 of the memo, and then executes `operations` so many times
  /// in a list.
  private func repeating(_ object: Pickle, _ operations: Pickle, _ count: Int) -> [UInt8] {
    let many = [[UInt8]](repeating: operations.bytes, count: count)
    return pickle(
      object + .ops("q\u{0}0") + .ops("](") + Pickle(Array(many.joined())) + .ops("e"))
  }

  private let get = Pickle.code(0x68, [0])

  /// Each of these was copied by five bytes.
  @Test func copiesAreLimited() throws {
    let long = Pickle.text(String(repeating: "x", count: 1000))
    let pairs =
      Pickle.ops("](") + Pickle((0..<20_000).flatMap { _ in [0x4e, 0x4e, 0x86] })
    let arguments = Pickle.tuple([pairs + .ops("e")])
    for (object, operations) in [
      (long, get + get + .code(0x93)),
      (arguments, .global("collections", "OrderedDict") + get + .ops("R")),
    ] {
      let file = try torchArchive(repeating(object, operations, 2_000))
      expectError(errorLoading(file), "limitExceeded", "1048576 copies of pairs and letters")
    }
  }

  /// What has more dimensions than PyTorch allows is no tensor: each would keep its own copy of them.
  @Test func dimensionsAreLimited() throws {
    for (count, isRead) in [(64, true), (65, false)] {
      let shape = [Int](repeating: 1, count: count)
      let object = Pickle.plain(["w": .tensor(shape, key: "0")])
      let error = errorLoading(try torchArchive(pickle(object), [("0", bytes(of: [1]))]))
      #expect((error == nil) == isRead)
      if !isRead { expectError(error, "unsupportedFormat", "torch._utils._rebuild_tensor_v2") }
      let header = "{" + entry("w", "F32", shape, 0, 4) + "}"
      #expect(
        errorLoading(safetensors(header, bytes(of: [1])))
          == (isRead ? nil : .badShape(tensor: "w", shape: shape)))
    }
    #expect(
      "\(ImportError.badShape(tensor: "w", shape: [Int](repeating: 7, count: 1000)))".utf8.count
        < 400)
  }

  @Test func namesAndTensorsAreLimited() throws {
    let limits = limits { ($0.nameBytes, $0.tensors) = (8, 2) }
    func pickled(_ names: [String]) throws -> [UInt8] {
      try torchArchive(
        pickle(.dictionary(names.map { ($0, .tensor([1], key: "0")) })), [("0", bytes(of: [1]))])
    }
    func safe(_ names: [String]) -> [UInt8] {
      safetensorsFile(names.map { ($0, Tensor(shape: [1], values: [1])) })
    }
    // Longer texts of a pickle are no names.
    #expect(try load(pickled(["12345678", "123456789"]), limits: limits).tensors.count == 1)
    #expect(errorLoading(safe(["12345678", "2"]), limits: limits) == nil)
    #expect(
      errorLoading(safe(["123456789"]), limits: limits)
        == .limitExceeded(what: "bytes in a tensor's name", limit: 8, found: 9))
    for file in [try pickled(["1", "2", "3"]), safe(["1", "2", "3"])] {
      expectError(errorLoading(file, limits: limits), "limitExceeded", "at most 2 tensors in")
    }
    let key = String(repeating: "k", count: 9)
    let object = Pickle.plain(["w": .tensor([1], key: key, isLegacy: true)])
    let file = legacyTorchFile(object, [(key, 1, bytes(of: [1]))])
    #expect(errorLoading(file, limits: limits) != nil)
    #expect(errorLoading(file) == nil)
  }

  // MARK: - Zip archives

  /// Each record at the end sends libzip through the directory again.
  @Test func endRecordsAreLimited() throws {
    let file = try torchArchive(oneTensor([1]), [("0", bytes(of: [1]))])
    let record = file.suffix(22)
    #expect(record.starts(with: [0x50, 0x4b, 5, 6]))
    let many = file + [[UInt8]](repeating: Array(record), count: 16).joined()
    #expect(
      errorLoading(many)
        == .limitExceeded(what: "records at the end of the zip archive", limit: 16, found: 17))
  }

  /// Storages that lie at the same place would each be unpacked.
  @Test(arguments: [ZIP_CM_STORE, ZIP_CM_DEFLATE])
  func entriesDoNotOverlap(method: Int32) throws {
    let storage = (0..<4096).map { UInt8(truncatingIfNeeded: $0 * $0 >> 7) & 0x3f }
    let names = (0..<4).map { "storage\($0)" }
    let tensors = names.map { ("w" + $0, Pickle.tensor([1024], key: $0)) }
    let object = pickle(.dictionary(tensors))
    let whole = try torchArchive(object, names.map { ($0, storage) }, method: method)
    #expect(try load(whole).tensors.count == 4)

    // The directory gets the record of the first again, with the names of the others.
    let file = try torchArchive(object, [(names[0], storage)], method: method)
    let (directory, end) = (file.dropLast(22), Array(file.suffix(22)))
    let name = Array("net/data/storage0".utf8)
    let place = try #require(
      directory.indices.last { directory[$0...].starts(with: name) })
    let record = directory[(place - 46)..<place]
    let copies = names.dropFirst().flatMap { record + Array("net/data/\($0)".utf8) }
    func number<Value: FixedWidthInteger>(_ place: Int, _: Value.Type, plus more: Int) -> [UInt8] {
      let value = end[place..<place + MemoryLayout<Value>.size].reversed()
        .reduce(0) { $0 << 8 | Int($1) }
      return littleEndian(Value(value + more))
    }
    let overlapping =
      directory + copies + end[..<8] + number(8, UInt16.self, plus: 3)
      + number(10, UInt16.self, plus: 3) + number(12, UInt32.self, plus: copies.count) + end[16...]
    expectError(
      errorLoading(Array(overlapping)), "badArchive", "net/data/storage",
      "take more bytes than the archive has")
  }

  /// Packed zeros, which take a thousandth of their size.
  @Test func unpackedEntriesAreLimited() throws {
    let file = try torchArchive(
      oneTensor([8 << 20]), [("0", [UInt8](repeating: 0, count: 32 << 20))],
      method: ZIP_CM_DEFLATE)
    #expect(
      errorLoading(file)
        == .limitExceeded(
          what: "bytes in zip entry \"net/data/0\"", limit: 16 << 20 + 32 * file.count,
          found: 32 << 20))
  }

  // MARK: - Headers

  /// Escapes in what nobody reads are not decoded, each by a JSON reader of its own: even wrong ones do not matter.
  @Test func metadataAreNotDecoded() throws {
    let file = safetensors(
      #"{"__metadata__":{"\n":"\q"},\#(entry("w", "F32", [1], 0, 4))}"#, bytes(of: [1]))
    #expect(try load(file).tensors.count == 1)
  }

  /// Each value costs the same, however deep it is.
  @Test func deepConfigurationsAreQuick() throws {
    let texts = String(repeating: #""","#, count: 300_000)
    let deep = String(repeating: "[", count: 60)
    let file =
      #"{"architecture":"resnet18","a":\#(deep)\#(texts)0\#(String(repeating: "]", count: 60))}"#
    try expectQuick {
      let found = try ModelConfiguration { $0 == "config.json" ? Array(file.utf8) : nil }
      #expect(found.input.origins == ["config.json"])
    }
  }
}
