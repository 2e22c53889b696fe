// SPDX-License-Identifier: Apache-2.0

extension UnsafeRawBufferPointer {
  @inline(__always)
  package func u32(_ offset: Int) -> UInt32 {
    UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  package func u64(_ offset: Int) -> UInt64 {
    UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  package func f32(_ offset: Int) -> Float { Float(bitPattern: u32(offset)) }
}

extension UnsafeMutableRawBufferPointer {
  @inline(__always)
  package func set(_ value: UInt32, at offset: Int) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }

  @inline(__always)
  package func set(_ value: UInt64, at offset: Int) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
  }

  @inline(__always)
  package func set(_ value: Float, at offset: Int) { set(value.bitPattern, at: offset) }
}
