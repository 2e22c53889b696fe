// SPDX-License-Identifier: Apache-2.0

import Foundation
package import ResNetModelImport

/// The element types in which a checkpoint may be stored.
package enum StoredType: String {
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"

  /// What is left of the values of a tensor.
  package func rounded(_ tensor: Tensor) -> Tensor {
    tensor.map { _, value in
      switch self {
      case .float32: value
      case .float16: Float(Float16(value))
      case .bfloat16: Float(bitPattern: UInt32(brain(value)) << 16)
      }
    }
  }

  /// Rounded to nearest, ties to even.
  private func brain(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    return UInt16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)
  }

  /// The bytes of values, each rounded to nearest, ties to even.
  package func encode(_ values: [Float]) -> [UInt8] {
    switch self {
    case .float32: return values.flatMap { littleEndian($0.bitPattern) }
    case .float16: return values.flatMap { littleEndian(Float16($0).bitPattern) }
    case .bfloat16: return values.flatMap { littleEndian(brain($0)) }
    }
  }
}

package typealias NamedTensors = [(name: String, tensor: Tensor)]

extension Checkpoint {
  /// The tensors in alphabetical order.
  package var named: NamedTensors { tensors.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
}

package func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

package func bytes(of floats: [Float]) -> [UInt8] { floats.flatMap { littleEndian($0.bitPattern) } }

/// A safetensors file with the header text `header`.
package func safetensors(_ header: String, _ data: [UInt8]) -> [UInt8] {
  littleEndian(UInt64(header.utf8.count)) + Array(header.utf8) + data
}

/// The header text of one tensor.
package func entry(_ name: String, _ type: String, _ shape: [Int], _ begin: Int, _ end: Int)
  -> String
{
  "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(begin),\(end)]}"
}

/// A safetensors file.
package func safetensorsFile(_ tensors: NamedTensors, _ type: StoredType = .float32) -> [UInt8] {
  var entries: [String] = []
  var data: [UInt8] = []
  for (name, tensor) in tensors {
    let bytes = type.encode(tensor.values)
    entries.append(
      entry(name, type.rawValue, tensor.shape, data.count, data.count + bytes.count))
    data += bytes
  }
  return safetensors("{" + entries.joined(separator: ",") + "}", data)
}
