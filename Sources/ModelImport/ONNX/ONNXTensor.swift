// SPDX-License-Identifier: Apache-2.0

import SwiftProtobuf

extension Onnx_TensorProto {
  /// Codes of `data_type`.
  private static let float32: Int32 = 1
  static let int64: Int32 = 7
  private static let float16: Int32 = 10
  private static let bfloat16: Int32 = 16

  /// The shape and values of a floating-point tensor, which must be in the file and finite.
  ///
  /// - Parameter budget: what may still be decoded.
  func floats(_ budget: inout DecodedBytes) throws(ImportError) -> Tensor {
    let count = try checkedCount()
    let type: FloatType
    switch dataType {
    case Self.float32: type = .float32
    case Self.float16: type = .float16
    case Self.bfloat16: type = .bfloat16
    default: throw .unsupportedElementType(tensor: name, found: "ONNX data type \(dataType)")
    }
    let values: [Float]
    if !rawData.isEmpty || count == 0 {
      try checkByteCount(rawData.count, of: .float(type), count, tensor: name)
      try budget.reserve(elements: count)
      values = rawData.withUnsafeBytes { type.decode($0, count: count) }
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

  /// The values of a small integer tensor.
  func integers() throws(ImportError) -> [Int64] {
    let count = try checkedCount()
    guard dataType == Self.int64, count <= 64 else {
      throw .unsupportedElementType(
        tensor: name, found: "\(count) elements of ONNX data type \(dataType)")
    }
    if !rawData.isEmpty || count == 0 {
      try checkByteCount(rawData.count, of: .integer(byteCount: 8), count, tensor: name)
      return rawData.withUnsafeBytes { bytes in
        (0..<count).map {
          Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self))
        }
      }
    }
    try checkFieldCount(int64Data.count, count)
    return int64Data
  }

  private func checkedCount() throws(ImportError) -> Int {
    guard dataLocation == 0 else { throw .externalData(tensor: name) }
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
