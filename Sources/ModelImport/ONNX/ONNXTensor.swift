// SPDX-License-Identifier: Apache-2.0

import SwiftProtobuf

extension Onnx_TensorProto {
  /// Codes of `data_type`.
  static let float32: Int32 = 1
  static let int64: Int32 = 7
  private static let floatTypes: [Int32: FloatType] = [
    float32: .float32, 10: .float16, 11: .float64, 16: .bfloat16,
  ]

  /// The shape and values of a floating-point tensor, which must be finite.
  ///
  /// - Parameters:
  ///   - budget: what may still be decoded.
  ///   - external: where tensors are whose data are not in the file; nil if nowhere.
  func floats(_ budget: inout DecodedBytes, _ external: ONNXExternalData?) throws(ImportError)
    -> Tensor
  {
    let count = try checkedCount()
    guard let type = Self.floatTypes[dataType] else {
      throw .unsupportedElementType(tensor: name, found: "ONNX data type \(dataType)")
    }
    let values: [Float]
    if dataLocation != 0 {
      let bytes = try elements(in: external, product(count, type.byteCount), &budget)
      try budget.reserve(elements: count)
      values = type.decode(bytes, count: count)
    } else if !rawData.isEmpty || count == 0 {
      try checkByteCount(rawData.count, of: .float(type), count, tensor: name)
      try budget.reserve(elements: count)
      values = rawData.withUnsafeBytes { type.decode($0, count: count) }
    } else if type == .float64 {
      try checkByteCount(8 * doubleData.count, of: .float(type), count, tensor: name)
      try budget.reserve(elements: count)
      values = doubleData.map { Float($0) }
    } else if type == .float32 {
      try checkFieldCount(floatData.count, count)
      try budget.reserve(elements: count)
      values = floatData
    } else {
      // Each element is the lower half of an int32.
      try checkFieldCount(int32Data.count, count)
      try budget.reserve(elements: count)
      let halves = int32Data.map { UInt16(truncatingIfNeeded: $0).littleEndian }
      values = halves.withUnsafeBytes { type.decode($0, count: count) }
    }
    try checkFinite(values, tensor: name)
    return Tensor(shape: dims.map { Int($0) }, values: values)
  }

  /// The elements in another file.
  private func elements(
    in external: ONNXExternalData?, _ byteCount: Int, _ budget: inout DecodedBytes
  ) throws(ImportError) -> UnsafeRawBufferPointer {
    guard let external else { throw .externalData(tensor: name) }
    return try external.bytes(of: self, byteCount: byteCount, &budget)
  }

  /// The values of an integer tensor that is no larger than a shape or the places of all features.
  func integers(_ budget: inout DecodedBytes, _ external: ONNXExternalData?) throws(ImportError)
    -> [Int64]
  {
    let count = try checkedCount()
    guard dataType == Self.int64, count <= 1 << 16 else {
      throw .unsupportedElementType(
        tensor: name, found: "\(count) elements of ONNX data type \(dataType)")
    }
    try budget.reserve(elements: count, byteCount: 8)
    func decode(_ bytes: UnsafeRawBufferPointer) -> [Int64] {
      (0..<count).map {
        Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self))
      }
    }
    if dataLocation != 0 { return decode(try elements(in: external, 8 * count, &budget)) }
    if !rawData.isEmpty || count == 0 {
      try checkByteCount(rawData.count, of: .integer(byteCount: 8), count, tensor: name)
      return rawData.withUnsafeBytes(decode)
    }
    try checkFieldCount(int64Data.count, count)
    return int64Data
  }

  private func checkedCount() throws(ImportError) -> Int {
    let shape = dims.map { Int($0) }
    guard shape.count <= 8, let count = elementCount(of: shape) else {
      throw .badShape(tensor: name, shape: Array(shape.prefix(16)))
    }
    return count
  }

  private func checkFieldCount(_ found: Int, _ expected: Int) throws(ImportError) {
    try checkByteCount(4 * found, of: .float(.float32), expected, tensor: name)
  }
}
