// SPDX-License-Identifier: Apache-2.0

import ResNetModelImport
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
    var pickle = Pickle()
    pickle.global(module, name)
    pickle.text("true")
    pickle.op(0x85)
    pickle.op("R")
    #expect(
      try errorReading(pickle.finished) == .refusedGlobal(name: "\(module).\(name)", offset: 2))
    // The same by STACK_GLOBAL.
    pickle = Pickle()
    pickle.text(module)
    pickle.text(name)
    let offset = pickle.bytes.count
    pickle.op(0x93)
    #expect(
      try errorReading(pickle.finished)
        == .refusedGlobal(name: "\(module).\(name)", offset: offset))
  }

  @Test(
    arguments: [
      (0x69, "INST (0x69)"), (0x6f, "OBJ (0x6f)"), (0x82, "EXT1 (0x82)"),
      (0x50, "PERSID (0x50)"), (0x92, "NEWOBJ_EX (0x92)"), (0x32, "DUP (0x32)"), (0x00, "0x00"),
      (0xff, "0xff"),
    ] as [(UInt8, String)])
  func otherOpcodeIsRefusedByName(code: UInt8, name: String) throws {
    var pickle = Pickle()
    pickle.op("}")
    pickle.op(code)
    #expect(try errorReading(pickle.finished) == .refusedOpcode(name: name, offset: 3))
  }

  @Test func everyOpcodeOutsideTheListIsRefused() throws {
    let known = Set(
      Array("().".utf8) + Array("GJKMNQRX]abcehjqrstu}".utf8)
        + [0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x8d, 0x93, 0x94, 0x95])
    for code in UInt8.min...UInt8.max {
      var pickle = Pickle()
      pickle.op(code)
      let error = try errorReading(pickle.finished)
      var isRefused = false
      if case .refusedOpcode = error { isRefused = true }
      #expect(isRefused == !known.contains(code), "opcode \(code): \(String(describing: error))")
    }
  }

  @Test func callsWithOtherArgumentsAreRefused() throws {
    func offsetAndError(_ build: (inout Pickle) -> Void) throws -> (Int, ImportError?) {
      var pickle = Pickle()
      build(&pickle)
      let last = pickle.bytes.count - 1
      return (last, try errorReading(pickle.finished))
    }
    var (offset, error) = try offsetAndError {
      $0.global("collections", "OrderedDict")
      $0.op("]")
      $0.op(0x85)
      $0.op("R")
    }
    #expect(
      error
        == .refusedCall(name: "collections.OrderedDict", offset: offset, found: "1 arguments"))
    (offset, error) = try offsetAndError {
      $0.text("system")
      $0.op(")")
      $0.op("R")
    }
    #expect(
      error
        == .refusedCall(name: "REDUCE", offset: offset, found: "a string called with a tuple of 0"))
    (offset, error) = try offsetAndError {
      $0.global("torch", "FloatStorage")
      $0.op(")")
      $0.op("R")
    }
    #expect(
      error
        == .refusedCall(
          name: "torch.FloatStorage", offset: offset,
          found: "a call, where only its name is expected"))
    (offset, error) = try offsetAndError {
      $0.global("torch._utils", "_rebuild_tensor_v2")
      $0.op("N")
      $0.op(0x85)
      $0.op("R")
    }
    #expect(
      error
        == .refusedCall(name: "torch._utils._rebuild_tensor_v2", offset: offset, found: "(None)"))
    (offset, error) = try offsetAndError {
      $0.global("torch._utils", "_rebuild_parameter")
      $0.op(")")
      $0.op("R")
    }
    #expect(
      error
        == .refusedCall(name: "torch._utils._rebuild_parameter", offset: offset, found: "()"))
    (offset, error) = try offsetAndError {
      $0.int(7)
      $0.op("Q")
    }
    #expect(error == .refusedCall(name: "BINPERSID", offset: offset, found: "an integer"))
    (offset, error) = try offsetAndError {
      $0.op("]")
      $0.op("N")
      $0.op("b")
    }
    #expect(error == .refusedCall(name: "BUILD", offset: offset, found: "it applied to a list"))
  }

  @Test func tensorsNeedCountsForSizes() throws {
    var pickle = Pickle()
    pickle.orderedDictionary()
    pickle.text("w")
    pickle.tensor([-1], key: "0", count: 1)
    pickle.op("s")
    guard
      case .refusedCall("torch._utils._rebuild_tensor_v2", _, let found) =
        try errorReading(pickle.finished)
    else {
      Issue.record("expected a negative size to be refused")
      return
    }
    #expect(found.contains("not a tuple of as many counts"))
  }

  @Test func contentsMustBeTensorsByName() throws {
    var pickle = Pickle()
    pickle.op("N")
    #expect(
      try errorReading(pickle.finished)
        == .unexpectedEntry(name: "", expected: "a dictionary of tensors by name", found: "None"))
    pickle = Pickle()
    pickle.op("}")
    pickle.text("epoch")
    pickle.int(1)
    pickle.op("s")
    #expect(
      try errorReading(pickle.finished)
        == .unexpectedEntry(name: "epoch", expected: "a tensor", found: "an integer"))
    pickle = Pickle()
    pickle.op("}")
    pickle.int(1)
    pickle.int(1)
    pickle.op("s")
    #expect(
      try errorReading(pickle.finished)
        == .unexpectedEntry(
          name: "", expected: "names of tensors as keys", found: "an integer"))
    pickle = Pickle()
    pickle.op("}")
    pickle.text("state_dict")
    pickle.op("N")
    pickle.op("s")
    #expect(
      try errorReading(pickle.finished)
        == .unexpectedEntry(
          name: "state_dict", expected: "a dictionary of tensors by name", found: "None"))
    pickle = Pickle()
    pickle.op("}")
    for _ in 0..<2 {
      pickle.text("w")
      pickle.tensor([1], key: "0")
      pickle.op("s")
    }
    #expect(try errorReading(pickle.finished) == .duplicateTensor(name: "w"))
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

  @Test func deepNestingAndCyclesAreHarmless() throws {
    // A tuple in a tuple, 300,000 deep: recursion would end the stack.
    let deep: [UInt8] = [0x80, 2, 0x29] + [UInt8](repeating: 0x85, count: 300_000) + [0x2e]
    #expect(
      try errorReading(deep)
        == .unexpectedEntry(
          name: "", expected: "a dictionary of tensors by name", found: "a tuple of 1"))
    // A dictionary that holds itself.
    var itself = Pickle()
    itself.op("}")
    itself.op("q", [0])
    itself.text("w")
    itself.op("h", [0])
    itself.op("s")
    #expect(
      try errorReading(itself.finished)
        == .unexpectedEntry(name: "w", expected: "a tensor", found: "a dictionary"))
  }

  @Test func memoryIsLimited() throws {
    var limits = ImportLimits()
    limits.pickleObjects = 1000
    #expect(
      try errorReading([0x80, 2] + [UInt8](repeating: 0x4e, count: 1001), limits: limits)
        == .limitExceeded(what: "objects in data.pkl", limit: 1000, found: 1001))
    limits = ImportLimits()
    limits.pickleStack = 1000
    var recalls: [UInt8] = [0x80, 2, 0x4e, 0x71, 0]
    for _ in 0..<1000 { recalls += [0x68, 0] }
    #expect(
      try errorReading(recalls, limits: limits)
        == .limitExceeded(what: "objects on its stack in data.pkl", limit: 1000, found: 1001))
    #expect(
      try errorReading([0x80, 2] + [UInt8](repeating: 0x28, count: 1001), limits: limits)
        == .limitExceeded(what: "marks in data.pkl", limit: 1000, found: 1001))
    limits = ImportLimits()
    limits.pickleMemo = 1000
    var puts: [UInt8] = [0x80, 2, 0x4e]
    for key in 0...1000 { puts += [0x72] + littleEndian(UInt32(key)) }
    #expect(
      try errorReading(puts, limits: limits)
        == .limitExceeded(what: "entries in its memo in data.pkl", limit: 1000, found: 1001))
    limits = ImportLimits()
    limits.pickleBytes = 3
    #expect(
      try errorReading([0x80, 2, 0x7d, 0x2e], limits: limits)
        == .limitExceeded(what: "bytes in data.pkl", limit: 3, found: 4))
  }
}
