// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A safetensors file that tests read and change: the size of a JSON header, the header, the values.
package struct SafetensorsFile {
  package struct Entry: Codable {
    package var dtype: String
    package var shape: [Int]
    /// Of the first byte and behind the last one, from the first value on.
    package var offsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case offsets = "data_offsets"
    }
  }

  package private(set) var entries: [String: Entry] = [:]
  private var values: [UInt8] = []

  package init() {}

  package init(path: String) throws {
    let file = try [UInt8](Data(path: path))
    let start = 8 + file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    entries = try JSONDecoder().decode([String: Entry].self, from: Data(file[8..<start]))
    values = Array(file[start...])
  }

  package func write(to path: String) throws {
    let header = try JSONEncoder().encode(entries)
    let size = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    try (Data(size) + header + values).write(to: URL(fileURLWithPath: path))
  }

  /// Adds a tensor of float32 numbers.
  package mutating func add(_ name: String, shape: [Int], _ floats: some Sequence<Float>) {
    let start = values.count
    for value in floats {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { values.append(contentsOf: $0) }
    }
    entries[name] = Entry(dtype: "F32", shape: shape, offsets: [start, values.count])
  }

  /// The numbers of a tensor in F32 or F16.
  package func floats(_ name: String) -> [Float] {
    let entry = entries[name]!
    let bytes = Data(values[entry.offsets[0]..<entry.offsets[1]])
    guard entry.dtype == "F16" else { return bytes.floats }
    return stride(from: 0, to: bytes.count, by: 2).map {
      Float(Float16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8))
    }
  }

  /// Replaces the number at `index` of a tensor in F32 or F16 by what `change` makes of it.
  package mutating func change(_ name: String, _ index: Int, _ change: (Float) -> Float) {
    let entry = entries[name]!
    values.withUnsafeMutableBytes { bytes in
      if entry.dtype == "F16" {
        let offset = entry.offsets[0] + 2 * index
        let value = bytes.loadUnaligned(fromByteOffset: offset, as: Float16.self)
        bytes.storeBytes(of: Float16(change(Float(value))), toByteOffset: offset, as: Float16.self)
      } else {
        let offset = entry.offsets[0] + 4 * index
        let value = bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)
        bytes.storeBytes(of: change(value), toByteOffset: offset, as: Float.self)
      }
    }
  }
}
