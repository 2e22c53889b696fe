// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

@Suite struct NumPyTests {
  private func numPy(
    _ header: String, _ data: [UInt8], version: UInt8 = 1
  ) -> [UInt8] {
    let length =
      version == 1
      ? littleEndian(UInt16(header.utf8.count)) : littleEndian(UInt32(header.utf8.count))
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(header.utf8) + data
  }

  private func dictionary(
    _ type: String = "<f4", order: String = "False", shape: String = "(2, 2)"
  ) -> String {
    "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }  \n"
  }

  private func read(_ file: [UInt8], limit: Int = 1 << 20) throws(ImportError) -> Tensor {
    var limits = ImportLimits()
    limits.decodedBytes = limit
    return try reading(file) { (bytes) throws(ImportError) in
      try Tensor(bytes: bytes, limits: limits)
    }
  }

  private func error(_ file: [UInt8], limit: Int = 1 << 20) -> ImportError? {
    do throws(ImportError) {
      _ = try read(file, limit: limit)
      return nil
    } catch { return error }
  }

  private let four = bytes(of: [1, -2.5, 0x1p-140, 3e38])

  @Test(arguments: [1, 2, 3] as [UInt8])
  func float32IsKept(version: UInt8) throws {
    let tensor = try read(numPy(dictionary(), four, version: version))
    #expect(tensor.shape == [2, 2])
    #expect(tensor.values == [1, -2.5, 0x1p-140, 3e38])
  }

  @Test func float64IsRounded() throws {
    let data = [1.1, -0x1p-160].flatMap { littleEndian($0.bitPattern) }
    let header = "{\"shape\": (2,), \"fortran_order\": False, \"descr\": \"<f8\"}\n"
    let tensor = try read(numPy(header, data))
    #expect(tensor.shape == [2] && tensor.values == [1.1, -0.0])
    #expect(try read(numPy(dictionary("<f8", shape: "()"), Array(data.prefix(8)))).shape == [])
  }

  @Test func otherArraysAreNamed() {
    for type in [">f4", "<i8", "|O", "<f2"] {
      expectError(error(numPy(dictionary(type), four)), "unsupportedElementType", type)
    }
    expectError(
      error(numPy(dictionary(order: "True"), four)), "unsupportedElementType", "Fortran order")
    expectError(error(Array("1,2\n3,4\n".utf8)), "malformed", "numpy.save")
    expectError(
      error(numPy(dictionary(), bytes(of: [1, 2, 3, .nan]))), "nonFinite", "element 3")
  }

  @Test func sizesAreCheckedBeforeMemoryIsReserved() {
    expectError(error(numPy(dictionary(shape: "(2, 3)"), four)), "byteCountMismatch", "24")
    for shape in ["(4294967296, 4294967296)", "(9223372036854775807, 2)"] {
      expectError(error(numPy(dictionary(shape: shape), four)), "badShape")
    }
    expectError(
      error(numPy(dictionary(shape: "(4611686018427387904,)"), four)), "badShape")
    expectError(error(numPy(dictionary(), four), limit: 15), "limitExceeded")
    expectError(
      error(numPy(dictionary() + String(repeating: " ", count: 20_000), four)), "limitExceeded")
  }

  @Test(arguments: [
    "", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'descr': '<f4'}", "{'shape': (2, 2)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)} x",
    "{'descr': '<f4', 'fortran_order': None, 'shape': (2, 2)}",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 2)}", "{'descr: ", "{'a': 1}",
    "__import__('os')",
  ])
  func otherHeadersAreRefused(header: String) {
    expectError(error(numPy(header, four)), "malformed", "NumPy header")
  }

  @Test func cutAndDamagedFilesNeverCrash() {
    let file = numPy(dictionary(), four)
    for count in file.indices { #expect(error(Array(file[..<count])) != nil, "\(count)") }
    var generator = RandomGenerator(seed: 1)
    for _ in 0..<20_000 {
      var damaged = file
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<file.count - 16, using: &generator)
        damaged[place] = UInt8.random(in: .min ... .max, using: &generator)
      }
      guard let tensor = try? read(damaged) else { continue }
      #expect(elementCount(of: tensor.shape) == tensor.values.count)
    }
  }

  @Test func aSafetensorsFileHasOneTensor() throws {
    let one = safetensors("{" + entry("x", "F32", [2, 2], 0, 16) + "}", four)
    #expect(try read(one).values == [1, -2.5, 0x1p-140, 3e38])
    let two = "{" + entry("x", "F32", [2], 0, 8) + "," + entry("y", "F32", [2], 8, 16) + "}"
    expectError(error(safetensors(two, four)), "unexpectedEntry", "one tensor")
  }
}
