// SPDX-License-Identifier: Apache-2.0

import ResNetModelImport
import TestPlans
import Testing

@Suite struct LegacyTorchTests {
  private let tensors: NamedTensors = [
    ("w", Tensor(shape: [2, 2], values: [1, 2, 3, 4])), ("v", Tensor(shape: [1], values: [5])),
  ]

  @Test(arguments: [StoredType.float32, .float16, .bfloat16])
  func valuesAreRead(type: StoredType) throws {
    let checkpoint = try load(legacyTorchFile(tensors, type))
    #expect(checkpoint.tensors.count == 2)
    #expect(checkpoint.tensors["w"] == tensors[0].tensor)
    #expect(checkpoint.tensors["v"] == tensors[1].tensor)
  }

  @Test func storagesAreSharedAndMayBeInAnyOrder() throws {
    let object = Pickle.dictionary([
      ("a", .tensor([2], key: "x", count: 4, offset: 1, isLegacy: true)),
      ("b", .tensor([2, 2], key: "x", strides: [1, 2], isLegacy: true)),
      ("n", .tensor([1], key: "n", storage: "LongStorage", isLegacy: true)),
    ])
    let checkpoint = try load(
      legacyTorchFile(
        object,
        [
          ("n", 1, [UInt8](repeating: 0xff, count: 8)),
          ("x", 4, StoredType.float32.encode([1, 2, 3, 4])),
        ]))
    #expect(checkpoint.tensors["a"]?.values == [2, 3])
    #expect(checkpoint.tensors["b"]?.values == [1, 3, 2, 4])
    #expect(checkpoint.skipped == ["n"])
  }

  @Test func tensorsFromBeforePyTorch04AreRead() throws {
    let tensor = Pickle.call(
      "torch._utils", "_rebuild_tensor", .storage("0", count: 1, isLegacy: true), .int(0),
      .tuple([.int(1)]), .tuple([.int(1)]))
    let file = legacyTorchFile(
      .dictionary([("w", tensor)]), [("0", 1, StoredType.float32.encode([9]))])
    #expect(try load(file).tensors["w"]?.values == [9])
  }

  @Test func wrongPartsAreRefused() {
    let object = Pickle.stateDict([tensors[1]], isLegacy: true)
    let value = StoredType.float32.encode([5])
    let files: [[UInt8]] = [
      legacyTorchFile(object, [("0", 1, value)], version: 1000),
      legacyTorchFile(object, []), legacyTorchFile(object, [("1", 1, value)]),
      legacyTorchFile(object, [("0", 2, value + value)]),
      legacyTorchFile(object, [("0", -1, value)]),
      legacyTorchFile(object, [("0", 1, value), ("0", 1, value)]),
      legacyTorchFile(object, [("0", 1, value + [0])]),
    ]
    for (index, file) in files.enumerated() {
      guard case .malformed("legacy PyTorch file", let offset, _, _) = errorLoading(file) else {
        Issue.record("file \(index): \(String(describing: errorLoading(file)))")
        continue
      }
      #expect(offset >= 0 && offset <= file.count)
    }
    #expect(
      errorLoading(legacyTorchFile(object, [("0", 1, value)], isLittleEndian: false)) == .bigEndian)
  }

  @Test func absurdSizesAreRefused() {
    for count in [1 << 40, 1 << 62, Int.max] {
      let object = Pickle.dictionary([("w", .tensor([count], key: "0", isLegacy: true))])
      let bytes = count > Int.max / 4 ? Int.max : 4 * count
      let file = legacyTorchFile(object, [("0", count, [0, 0, 0, 0])])
      expectError(
        errorLoading(file), "malformed", "legacy PyTorch file",
        "expected \(bytes) bytes of storage \"0\", found 4")
    }
  }

  @Test func codeIsRefusedByName() {
    let file = legacyTorchFile(.call("os", "system", .text("true")), [])
    #expect(errorLoading(file)?.kind == "refusedGlobal")
  }
}
