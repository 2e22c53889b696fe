// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlatform

/// A file of NumPy: one array, as `numpy.save` writes it.
///
/// Layout: the bytes `\x93NUMPY`, two bytes of version, the length of a header in 2 bytes (version 1) or 4, the header,
/// a Python dictionary such as `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, and the elements.
/// - Source: numpy/lib/format.py.
enum NumPyArray {
  private static let part = "NumPy array"

  static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.begins([0x93] + Array("NUMPY".utf8))
  }

  /// Reads an array of float32 or float64 in C order; float64 is rounded to float32.
  static func tensor(_ bytes: UnsafeRawBufferPointer, limits: ImportLimits) throws(ImportError)
    -> Tensor
  {
    let version = bytes.count > 7 ? bytes[6] : 0
    guard 1...3 ~= version else {
      throw .malformed(part: part, offset: 6, expected: "version 1 to 3", found: "\(version)")
    }
    let lengthBytes = version == 1 ? 2 : 4
    guard bytes.count >= 8 + lengthBytes else { throw short(bytes.count) }
    let length = (0..<lengthBytes).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    let start = 8 + lengthBytes
    // NumPy reads no longer header either.
    try checkLimit(length, 10_000, "bytes of NumPy header")
    guard bytes.count - start >= length else { throw short(bytes.count) }
    var header = NumPyHeader(
      bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]), start: start)
    let (descriptor, isFortran, shape) = try header.parse()
    let data = UnsafeRawBufferPointer(rebasing: bytes[(start + length)...])

    let types: [String: FloatType] = ["<f4": .float32, "<f8": .float64]
    guard let type = types[descriptor], !isFortran else {
      throw .unsupportedElementType(
        tensor: part, found: descriptor + (isFortran ? " in Fortran order" : ""))
    }
    guard let count = elementCount(of: shape), product(count, type.byteCount) < .max else {
      throw .badShape(tensor: part, shape: shape)
    }
    try checkByteCount(data.count, of: .float(type), count, tensor: part)
    var budget = DecodedBytes(limits, fileBytes: bytes.count)
    try budget.reserve(elements: count)
    let values = type.decode(data, count: count)
    try checkFinite(values, tensor: part)
    return Tensor(shape: shape, values: values)
  }

  private static func short(_ count: Int) -> ImportError {
    .malformed(part: part, offset: count, expected: "a whole header", found: "the end of the file")
  }
}

/// Parses the header of a NumPy file: a dictionary with three keys in any order.
private struct NumPyHeader: HeaderScanner {
  var part: String { "NumPy header" }
  let bytes: UnsafeRawBufferPointer
  let start: Int
  var position = 0

  init(bytes: UnsafeRawBufferPointer, start: Int) { (self.bytes, self.start) = (bytes, start) }

  mutating func parse() throws(ImportError) -> (descriptor: String, isFortran: Bool, shape: [Int]) {
    var descriptor: String?
    var isFortran: Bool?
    var shape: [Int]?
    try list("{", "}", mayEndWithComma: true) { (parser) throws(ImportError) in
      let key = try parser.string()
      try parser.expect(":")
      switch key {
      case "descr" where descriptor == nil: descriptor = try parser.string()
      case "fortran_order" where isFortran == nil: isFortran = try parser.boolean()
      case "shape" where shape == nil: shape = try parser.integers()
      default: throw parser.unexpected("descr, fortran_order and shape once each")
      }
    }
    try expectEnd()
    guard let descriptor, let isFortran, let shape else {
      throw unexpected("descr, fortran_order and shape")
    }
    return (descriptor, isFortran, shape)
  }

  private mutating func string() throws(ImportError) -> String {
    let quote: Unicode.Scalar = accept("\"") ? "\"" : "'"
    if quote == "'" { try expect(quote) }
    let first = position
    while position < bytes.count, bytes[position] != UInt8(ascii: quote) { position += 1 }
    guard position < bytes.count else { throw unexpected("the end of a string") }
    position += 1
    return String(decoding: bytes[first..<position - 1], as: UTF8.self)
  }

  private mutating func boolean() throws(ImportError) -> Bool {
    skipSpace()
    let words = ["True", "False"]
    guard let word = words.first(where: { bytes[position...].starts(with: $0.utf8) }) else {
      throw unexpected("True or False")
    }
    position += word.utf8.count
    return word == "True"
  }

  private mutating func integers() throws(ImportError) -> [Int] {
    var result: [Int] = []
    try list("(", ")", mayEndWithComma: true) { (parser) throws(ImportError) in
      result.append(try parser.integer())
    }
    return result
  }
}

extension Tensor {
  /// Reads a file with one tensor: NumPy's .npy with float32 or float64, or a safetensors file.
  ///
  /// - Throws: `ImportError`.
  /// - **Allocates:** the tensor; the file is mapped.
  public init(contentsOf path: String) throws(ImportError) {
    let file = try map(path)
    self = try Tensor(bytes: file.bytes)
    withExtendedLifetime(file) {}
  }

  package init(bytes: UnsafeRawBufferPointer, limits: ImportLimits = ImportLimits())
    throws(ImportError)
  {
    if NumPyArray.recognizes(bytes) {
      self = try NumPyArray.tensor(bytes, limits: limits)
      return
    }
    guard Safetensors.recognizes(bytes) else {
      throw .malformed(
        part: "file of numbers", offset: 0,
        expected: "a NumPy array (.npy, as numpy.save writes it) or a safetensors file",
        found: "another kind of file")
    }
    var options = ImportOptions()
    options.limits = limits
    let tensors = try Checkpoint(bytes: bytes, options).tensors
    guard let tensor = tensors.first, tensors.count == 1 else {
      throw .unexpectedEntry(
        name: "safetensors file", expected: "one tensor of floating-point numbers",
        found: "\(tensors.count)")
    }
    self = tensor.value
  }
}
