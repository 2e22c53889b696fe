// SPDX-License-Identifier: Apache-2.0

import ResNetModelImport
import TestPlans
import Testing

/// The error that an archive with just this pickle gives.
private func errorReading(_ pickle: [UInt8], limits: ImportLimits = ImportLimits()) throws
  -> ImportError?
{
  errorLoading(try torchArchive(pickle), limits: limits)
}

@Suite struct PickleTests {
  /// Neither by GLOBAL nor by STACK_GLOBAL is anything called: what comes out is no dictionary.
  @Test(arguments: [
    ("os", "system"), ("builtins", "eval"), ("torch", "load"), ("torch", "ComplexFloatStorage"),
    ("torch.storage", "UntypedStorage"), ("torchvision.models.resnet", "ResNet"),
    ("argparse", "ArgumentParser"), ("torch._utils", "_rebuild_tensor_v3"),
  ])
  func callsOfOtherClassesAreOpaque(module: String, name: String) throws {
    let arguments = Pickle.tuple([.text("true")]) + .ops("R")
    for callable in [
      Pickle.global(module, name), .text(module) + .text(name) + .code(0x93),
    ] {
      expectError(
        try errorReading(pickle(callable + arguments)), "unsupportedFormat", "\(module).\(name)",
        "state_dict()")
    }
  }

  @Test(
    arguments: [
      (0x49, "INT (0x49)"), (0x69, "INST (0x69)"), (0x82, "EXT1 (0x82)"), (0x50, "PERSID (0x50)"),
      (0x97, "NEXT_BUFFER (0x97)"), (0x00, "0x00"), (0xff, "0xff"),
    ] as [(UInt8, String)])
  func otherOpcodeIsRefusedByName(code: UInt8, name: String) throws {
    #expect(
      try errorReading(pickle(.ops("}") + .code(code))) == .refusedOpcode(name: name, offset: 3))
  }

  @Test func everyOpcodeOutsideTheListIsRefused() throws {
    let known = Set(
      Array("().".utf8) + Array("GJKMNQRX]abcehjqrstu}".utf8)
        + Array("012BCTUo".utf8) + [0x80, 0x81] + Array(0x85...0x96))
    for code in UInt8.min...UInt8.max {
      let error = try errorReading(pickle(.code(code)))
      #expect(
        (error?.kind == "refusedOpcode") == !known.contains(code),
        "opcode \(code): \(String(describing: error))")
    }
  }

  /// Tensors of other arguments than torch.save gives are none.
  @Test(
    arguments: [
      .tensor([-1], key: "0", count: 1), .int(7) + .ops("Q"), .ops("]Nb"),
      .call("torch._utils", "_rebuild_parameter"), .call("torch", "FloatStorage"),
      .tensor([1], key: "0") + .ops("Nb"),
      .call(
        "torch._utils", "_rebuild_tensor_v2", .storage("0", count: 1, isLegacy: false), .int(0),
        .tuple([.int(1)]), .tuple([.int(1)]), .code(0x89), .dictionary([]),
        .plain(["neg": .code(0x88)])),
    ] as [Pickle])
  func callWithOtherArgumentsIsOpaque(call: Pickle) throws {
    #expect(
      ["unexpectedEntry", "unsupportedFormat"].contains(
        try errorReading(pickle(.plain(["w": call])))?.kind))
  }

  /// Parameters with attributes, and Python 2's OrderedDict of lists.
  @Test func olderAndNewerWaysToSaveTensorsAreRead() throws {
    let own = Pickle.tuple([
      .storage("0", count: 1, isLegacy: false), .int(0), .tuple([.int(1)]), .tuple([.int(1)]),
      .code(0x89), .dictionary([]),
    ])
    let typed = Pickle.call(
      "torch._tensor", "_rebuild_from_type_v2", .global("torch._utils", "_rebuild_tensor_v2"),
      .global("torch.nn.parameter", "Parameter"), own, .plain([:]))
    let stated = Pickle.call(
      "torch._utils", "_rebuild_parameter_with_state", .tensor([1], key: "0"), .code(0x88),
      .dictionary([]), .plain([:]))
    for tensor in [typed, stated] {
      // A list of one list of key and value, in which the key is a string of Python 2.
      let pairs = Pickle.ops("]]") + .code(0x55, [1, 0x77]) + .ops("a") + tensor + .ops("aa")
      let object = Pickle.call("collections", "OrderedDict", pairs)
      let file = try torchArchive(pickle(object), [("0", bytes(of: [3]))])
      #expect(try load(file).tensors["w"]?.values == [3])
    }
  }

  @Test(
    arguments: [
      (.none, "", "a dictionary of tensors by name", "None"),
      (
        .plain(["epoch": .int(1)]), "", "a dictionary of tensors by name",
        "a dictionary without tensors"
      ),
      // A dictionary that holds itself.
      (
        .ops("}") + .code(0x71, [0]) + .text("w") + .code(0x68, [0]) + .ops("s"), "",
        "a dictionary of tensors by name", "a dictionary without tensors"
      ),
      // A tuple in a tuple, 300,000 deep: recursion would end the stack.
      (
        .ops(")") + Pickle([UInt8](repeating: 0x85, count: 300_000)), "",
        "a dictionary of tensors by name", "a tuple of 1"
      ),
    ] as [(Pickle, String, String, String)])
  func contentsMustBeTensorsByName(
    object: Pickle, name: String, expected: String, found: String
  ) throws {
    #expect(
      try errorReading(pickle(object))
        == .unexpectedEntry(name: name, expected: expected, found: found))
  }

  @Test func namesMustDiffer() throws {
    let tensor = Pickle.tensor([1], key: "0")
    #expect(
      try errorReading(pickle(.plain(["w": tensor, "w": tensor]))) == .duplicateTensor(name: "w"))
  }

  @Test(
    arguments: [
      [0x2e], [0x85, 0x2e], [0x28, 0x85, 0x2e], [0x74, 0x2e], [0x73, 0x2e], [0x68, 1, 0x2e],
      [0x71, 1, 0x2e], [0x7d, 0x28, 0x4e, 0x75, 0x2e], [0x4e, 0x4e, 0x61, 0x2e],
      [0x4e, 0x28, 0x4e, 0x4e, 0x75, 0x2e], [0x7d, 0x28, 0x2e],
      [0x58, 0xff, 0xff, 0xff, 0xff, 0x2e],
      [0x8d, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x2e], [0x8f, 0x90, 0x2e],
      [0x4e, 0x28, 0x90, 0x2e], [0x42, 0xff, 0xff, 0xff, 0xff, 0x2e], [0x28, 0x6f, 0x2e],
      [0x63, 0x61, 0x2e], [0x95, 9, 0, 0, 0, 0, 0, 0, 0, 0x2e], [0x80, 6, 0x2e],
      [0x8a, 9, 1, 1, 1, 0x2e], [0x8b, 0, 0, 0, 0x80, 0x2e], [0x4e, 0x4e, 0x93, 0x2e], [],
    ] as [[UInt8]])
  func malformedPickleIsRefused(operations: [UInt8]) throws {
    let error = try errorReading([0x80, 2] + operations)
    guard case .malformed("data.pkl", let offset, _, _) = error else {
      Issue.record("expected a malformed pickle, found \(String(describing: error))")
      return
    }
    #expect((2...2 + operations.count).contains(offset))
  }

  @Test(
    arguments: [
      (\.pickleObjects, "objects", Pickle([UInt8](repeating: 0x4e, count: 1001))),
      (
        \.pickleStack, "objects on its stack",
        Pickle([0x4e, 0x71, 0] + [[UInt8]](repeating: [0x68, 0], count: 1000).joined())
      ),
      (\.pickleStack, "marks", Pickle([UInt8](repeating: 0x28, count: 1001))),
      (
        \.pickleMemo, "entries in its memo",
        Pickle([0x4e] + (0...1000).flatMap { [0x72] + littleEndian(UInt32($0)) })
      ),
    ] as [(WritableKeyPath<ImportLimits, Int> & Sendable, String, Pickle)])
  func memoryIsLimited(
    limit: WritableKeyPath<ImportLimits, Int> & Sendable, what: String, operations: Pickle
  ) throws {
    var limits = ImportLimits()
    limits[keyPath: limit] = 1000
    #expect(
      try errorReading(pickle(operations), limits: limits)
        == .limitExceeded(what: "\(what) in data.pkl", limit: 1000, found: 1001))
  }

  @Test func bytesAreLimited() throws {
    var limits = ImportLimits()
    limits.pickleBytes = 3
    #expect(
      try errorReading([0x80, 2, 0x7d, 0x2e], limits: limits)
        == .limitExceeded(what: "bytes in data.pkl", limit: 3, found: 4))
  }
}
