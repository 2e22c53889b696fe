// SPDX-License-Identifier: Apache-2.0

import ResNetModelImport
import ResNetPlatform
import TestPlans
import Testing

@Suite struct SafetensorsTests {
  @Test func float32IsKeptBitForBit() throws {
    let values: [Float] = [0, -0.0, 1, -2.5, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
    let file = safetensors("{" + entry("a", "F32", [2, 3], 0, 24) + "}", bytes(of: values))
    let tensor = try #require(try load(file).tensors["a"])
    #expect(tensor.shape == [2, 3])
    #expect(tensor.values.map(\.bitPattern) == values.map(\.bitPattern))
  }

  @Test func everyFiniteFloat16IsWidenedExactly() throws {
    let patterns = (UInt16.min...UInt16.max).filter { $0 & 0x7c00 != 0x7c00 }
    let count = patterns.count
    let file = safetensors(
      "{" + entry("a", "F16", [count], 0, 2 * count) + "}", patterns.flatMap { littleEndian($0) })
    let values = try #require(try load(file).tensors["a"]).values
    for (pattern, value) in zip(patterns, values) {
      // IEEE 754 binary16, written out: sign, 5 bits of exponent (bias 15), 10 of fraction.
      let exponent = Int(pattern >> 10 & 31)
      let fraction = Double(pattern & 1023) / 1024
      var expected = exponent == 0 ? fraction * 0x1p-14 : (1 + fraction)
      for _ in 0..<max(0, exponent - 15) { expected *= 2 }
      if exponent > 0 { for _ in 0..<max(0, 15 - exponent) { expected /= 2 } }
      #expect(Double(value) == (pattern >> 15 == 1 ? -expected : expected), "\(pattern)")
      #expect((value.sign == .minus) == (pattern >> 15 == 1), "\(pattern)")
    }
  }

  @Test func bfloat16IsTheUpperHalfOfFloat32() throws {
    // 1, -2, the least denormal, and the greatest finite value.
    let patterns: [UInt16] = [0x3f80, 0xc000, 0x0001, 0x7f7f]
    let file = safetensors(
      "{" + entry("a", "BF16", [4], 0, 8) + "}", patterns.flatMap { littleEndian($0) })
    let values = try #require(try load(file).tensors["a"]).values
    #expect(values == [1, -2, 0x1p-133, 0x1.fep127])
  }

  @Test(arguments: [
    ("F32", littleEndian(Float.infinity.bitPattern), "inf"),
    ("F32", littleEndian(UInt32(0x7fc0_0000)), "nan"),
    ("F16", littleEndian(UInt16(0xfc00)), "-inf"),
    ("BF16", littleEndian(UInt16(0x7f80)), "inf"),
  ])
  func nonFiniteValueIsNamed(type: String, pattern: [UInt8], found: String) {
    let zero = [UInt8](repeating: 0, count: pattern.count)
    let file = safetensors(
      "{" + entry("layer.w", type, [3], 0, 3 * pattern.count) + "}", zero + pattern + zero)
    #expect(errorLoading(file) == .nonFinite(tensor: "layer.w", index: 1, found: found))
  }

  @Test func integersAreSkipped() throws {
    let file = safetensors(
      "{\"__metadata__\":{\"format\":\"pt\"}, "
        + entry("bn.num_batches_tracked", "I64", [], 0, 8) + ",\n"
        + entry("w", "F32", [1], 8, 12) + "}   ",
      littleEndian(Int64(5)) + bytes(of: [7]))
    let checkpoint = try load(file)
    #expect(checkpoint.tensors == ["w": Tensor(shape: [1], values: [7])])
    #expect(checkpoint.skipped == ["bn.num_batches_tracked"])
  }

  @Test func float64IsRounded() throws {
    let value = 0.1 + 0x1p-40
    let file = safetensors(
      "{" + entry("w", "F64", [1], 0, 8) + "}", littleEndian(value.bitPattern))
    #expect(try load(file).tensors["w"]?.values == [Float(value)])
    let beyond = safetensors(
      "{" + entry("w", "F64", [1], 0, 8) + "}", littleEndian((1e300).bitPattern))
    #expect(errorLoading(beyond)?.kind == "nonFinite")
  }

  @Test func escapedNamesAreUnderstood() throws {
    let file = safetensors(
      #"{"a\"\\\/\n\u00e9\ud83d\ude00":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#,
      bytes(of: [1]))
    #expect(try load(file).tensors.keys.first == "a\"\\/\n\u{e9}\u{1f600}")
  }

  @Test(arguments: ["F8_E4M3", "C64", "whatever"])
  func otherElementTypeIsRefusedByName(type: String) {
    let file = safetensors("{" + entry("w", type, [1], 0, 8) + "}", bytes(of: [0, 0]))
    #expect(errorLoading(file) == .unsupportedElementType(tensor: "w", found: type))
  }

  @Test func headerLongerThanTheFileIsRefused() {
    for length: UInt64 in [3, 4, 1 << 40, .max] {
      let file = littleEndian(length) + Array("{}".utf8)
      #expect(
        errorLoading(file)
          == .malformed(
            part: "safetensors file", offset: 0, expected: "a header of at most 2 bytes",
            found: "\(length)"))
    }
    var limits = ImportLimits()
    limits.headerBytes = 1
    #expect(
      errorLoading(safetensors("{}", []), limits: limits)
        == .limitExceeded(what: "bytes of safetensors header", limit: 1, found: 2))
  }

  @Test(arguments: [
    // Overlap, hole, beyond the data, backwards, and an offset that is not the first.
    ([("a", 0, 8), ("b", 4, 12)], ImportError.badDataOffset(tensor: "b", expected: 8, found: 4)),
    ([("a", 0, 4), ("b", 8, 12)], .badDataOffset(tensor: "b", expected: 4, found: 8)),
    ([("a", 0, 16)], .badDataOffset(tensor: "a", expected: 12, found: 16)),
    ([("a", 0, 4), ("b", 4, 2)], .badDataOffset(tensor: "b", expected: 12, found: 2)),
    ([("a", 4, 12)], .badDataOffset(tensor: "a", expected: 0, found: 4)),
  ])
  func offsetsMustCoverTheData(tensors: [(String, Int, Int)], expected: ImportError) {
    let header = tensors.map { entry($0.0, "F32", [max(0, ($0.2 - $0.1) / 4)], $0.1, $0.2) }
    let file = safetensors(
      "{" + header.joined(separator: ",") + "}", bytes(of: [0, 0, 0]))
    #expect(errorLoading(file) == expected)
  }

  @Test func bytesAfterTheLastTensorAreRefused() throws {
    let header = "{" + entry("a", "F32", [1], 0, 4) + "}"
    let error = try #require(errorLoading(safetensors(header, bytes(of: [0, 0]))))
    #expect(
      error
        == .malformed(
          part: "safetensors file", offset: 8 + header.utf8.count + 4,
          expected: "the end of the file after the last tensor", found: "4 more bytes"))
  }

  @Test(arguments: [
    [Int.max, Int.max], [1 << 62, 2], [1 << 61, 4], [1 << 32, 1 << 32, 0], [Int.max],
  ])
  func absurdShapeIsRefused(shape: [Int]) {
    let file = safetensors("{" + entry("w", "F32", shape, 0, 4) + "}", bytes(of: [0]))
    #expect(errorLoading(file) == .badShape(tensor: "w", shape: shape))
  }

  @Test func shapeAndBytesMustAgree() {
    let file = safetensors("{" + entry("w", "F32", [2], 0, 4) + "}", bytes(of: [0]))
    #expect(errorLoading(file) == .byteCountMismatch(tensor: "w", expected: 8, found: 4))
  }

  @Test func totalIsLimited() {
    var limits = ImportLimits()
    limits.decodedBytes = 7
    let half = safetensors("{" + entry("w", "F16", [2], 0, 4) + "}", [0, 0, 0, 0])
    #expect(
      errorLoading(half, limits: limits)
        == .limitExceeded(
          what: "bytes of decoded tensors in a file of \(half.count) bytes", limit: 7, found: 8))
    limits.decodedBytes = 8
    #expect(errorLoading(half, limits: limits) == nil)
  }

  @Test func sameNameTwiceIsRefused() {
    let file = safetensors(
      "{" + entry("w", "F32", [1], 0, 4) + "," + entry("w", "F32", [1], 0, 4) + "}",
      bytes(of: [0]))
    #expect(errorLoading(file) == .duplicateTensor(name: "w"))
  }

  @Test(arguments: [
    "{", "{\"w\"", "{\"w\":[]}", "{\"w\":{}}", "{\"w\":{\"dtype\":\"F32\"}}", "{} x", "{,}",
    #"{"w":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
    #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}"#,
    #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}"#,
    #"{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
    #"{"w":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#,
    #"{"w":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}"#,
    #"{"w":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#,
    #"{"w":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}"#,
    #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}"#,
    #"{"\ud83d":{}}"#, #"{"\udc00":{}}"#, #"{"\x":{}}"#, #"{"\u12":{}}"#, "{\"a\u{1}\":{}}",
    #"{"__metadata__":{"a":1}}"#,
  ])
  func malformedHeaderIsRefused(header: String) {
    guard case .malformed(let part, let offset, _, _) = errorLoading(safetensors(header, [])) else {
      Issue.record("expected a malformed header for \(header)")
      return
    }
    #expect(part.hasPrefix("safetensors header"))
    #expect((8...8 + header.utf8.count).contains(offset))
  }

  @Test func nameThatIsNotUTF8IsRefused() {
    let header = Array("{\"".utf8) + [0xff, 0xfe] + Array("\":{}}".utf8)
    let file = littleEndian(UInt64(header.count)) + header
    #expect(
      errorLoading(file)
        == .malformed(
          part: "safetensors header", offset: 10, expected: "a string in UTF-8",
          found: "the byte 0xff"))
  }
}
