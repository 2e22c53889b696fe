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
  @Test(arguments: [
    ("os", "system"), ("builtins", "eval"), ("torch", "load"), ("torch", "ComplexFloatStorage"),
    ("torch.storage", "UntypedStorage"), ("torchvision.models.resnet", "ResNet"),
    ("collections", "deque"), ("argparse", "ArgumentParser"),
    ("torch._utils", "_rebuild_tensor_v3"),
  ])
  func otherClassIsRefusedByName(module: String, name: String) throws {
    let call = Pickle.call(module, name, .text("true"))
    #expect(
      try errorReading(pickle(call)) == .refusedGlobal(name: "\(module).\(name)", offset: 2))
    // The same by STACK_GLOBAL.
    let names = Pickle.text(module) + .text(name)
    #expect(
      try errorReading(pickle(names + .code(0x93)))
        == .refusedGlobal(name: "\(module).\(name)", offset: 2 + names.bytes.count))
  }

  @Test(
    arguments: [
      (0x69, "INST (0x69)"), (0x6f, "OBJ (0x6f)"), (0x82, "EXT1 (0x82)"),
      (0x50, "PERSID (0x50)"), (0x92, "NEWOBJ_EX (0x92)"), (0x32, "DUP (0x32)"), (0x00, "0x00"),
      (0xff, "0xff"),
    ] as [(UInt8, String)])
  func otherOpcodeIsRefusedByName(code: UInt8, name: String) throws {
    #expect(
      try errorReading(pickle(.ops("}") + .code(code))) == .refusedOpcode(name: name, offset: 3))
  }

  @Test func everyOpcodeOutsideTheListIsRefused() throws {
    let known = Set(
      Array("().".utf8) + Array("GJKMNQRX]abcehjqrstu}".utf8)
        + [0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x8d, 0x93, 0x94, 0x95])
    for code in UInt8.min...UInt8.max {
      let error = try errorReading(pickle(.code(code)))
      #expect(
        (error?.kind == "refusedOpcode") == !known.contains(code),
        "opcode \(code): \(String(describing: error))")
    }
  }

  @Test(
    arguments: [
      (
        .call("collections", "OrderedDict", .ops("]")), "collections.OrderedDict", "1 arguments"
      ),
      (.text("system") + .ops(")R"), "REDUCE", "a string called with a tuple of 0"),
      (
        .call("torch", "FloatStorage"), "torch.FloatStorage",
        "a call, where only its name is expected"
      ),
      (
        .call("torch._utils", "_rebuild_tensor_v2", .none), "torch._utils._rebuild_tensor_v2",
        "(None)"
      ),
      (.call("torch._utils", "_rebuild_parameter"), "torch._utils._rebuild_parameter", "()"),
      (.int(7) + .ops("Q"), "BINPERSID", "an integer"),
      (.ops("]Nb"), "BUILD", "it applied to a list"),
    ] as [(Pickle, String, String)])
  func callWithOtherArgumentsIsRefused(call: Pickle, name: String, found: String) throws {
    // The last operation is the call.
    let offset = 2 + call.bytes.count - 1
    #expect(
      try errorReading(pickle(call)) == .refusedCall(name: name, offset: offset, found: found))
  }

  @Test func tensorsNeedCountsForSizes() throws {
    let error = try errorReading(pickle(.plain(["w": .tensor([-1], key: "0", count: 1)])))
    expectError(
      error, "refusedCall", "torch._utils._rebuild_tensor_v2", "not a tuple of as many counts")
  }

  @Test(
    arguments: [
      (.none, "", "a dictionary of tensors by name", "None"),
      (.plain(["epoch": .int(1)]), "epoch", "a tensor", "an integer"),
      (.ops("}") + .int(1) + .int(1) + .ops("s"), "", "names of tensors as keys", "an integer"),
      (.plain(["state_dict": .none]), "state_dict", "a dictionary of tensors by name", "None"),
      // A dictionary that holds itself.
      (
        .ops("}") + .code(0x71, [0]) + .text("w") + .code(0x68, [0]) + .ops("s"), "w", "a tensor",
        "a dictionary"
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
      [0x8d, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x2e], [0x8c, 1, 0xff, 0x2e],
      [0x63, 0x61, 0x2e], [0x95, 9, 0, 0, 0, 0, 0, 0, 0, 0x2e], [0x80, 6, 0x2e],
      [0x8a, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x2e], [0x4e, 0x4e, 0x93, 0x2e], [],
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
